// Questions to the server of the page; nobody else is asked.

export async function ask(question, given = {}) {
  let answer;
  try {
    answer = await fetch(`/ask/${question}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
  } catch {
    throw new Error("the server does not answer; start kinimmune explore again, then reload: the view in this address is kept");
  }
  if (answer.status === 403) {
    throw new Error("this page belongs to a server that has ended; reload it, and give the token of the new one");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}
