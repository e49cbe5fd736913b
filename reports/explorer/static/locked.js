// A view without a token: takes the one that the command printed, and keeps the fragment of the address.
document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = document.getElementById("token").value.trim();
  const token = given.includes("token=") ? given.split("token=")[1].split(/[&#]/)[0] : given;
  location.assign(`/?token=${encodeURIComponent(token)}${location.hash}`);
});
