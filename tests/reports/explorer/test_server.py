"""The server of the page: who gets an answer, what is never given, and that nothing but the page's files is read."""

import http.client
import json
import threading

import pytest
from exponential_trial import write_project

from kinimmune.fitting.exploration.session import explore_model
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import MachineError
from kinimmune.models.model_file import open_model
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.explorer.answers import Answers
from kinimmune.reports.explorer.server import open_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    project = write_project(tmp_path_factory.mktemp("projects") / "two")
    name, tables = open_model(str(project / "exponential.py"), Tables(project))
    session = explore_model(name, tables, words=("kinimmune",), options=ProblemOptions(patients=2), seed=1, jobs=1)
    opened = open_server(Answers(session, "", None), 0)
    thread = threading.Thread(target=opened.serve, daemon=True)
    thread.start()
    yield opened
    opened.http.shutdown()
    opened.close()
    thread.join()


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        found = connection.getresponse()
        return found.status, dict(found.getheaders()), found.read().decode()
    finally:
        connection.close()


def cookie(server):
    return f"kinimmune_{server.port}={server.token}"


def question(server, name, given, **headers):
    own = {"Cookie": cookie(server), "Origin": f"http://127.0.0.1:{server.port}"} | headers
    status, _, text = ask(server, "POST", f"/ask/{name}", json.dumps(given), **own)
    return status, text


def test_it_listens_on_this_machines_own_address_alone(server):
    assert server.http.server_address[0] == "127.0.0.1"


def test_the_token_becomes_a_cookie_and_leaves_the_address(server):
    status, headers, _ = ask(server, "GET", f"/?token={server.token}")

    assert (status, headers["Location"]) == (303, "/")
    assert headers["Set-Cookie"] == f"{cookie(server)}; HttpOnly; SameSite=Strict; Path=/"


def test_without_the_cookie_there_is_a_page_that_asks_for_the_token_and_nothing_else(server):
    status, _, text = ask(server, "GET", "/")
    assert status == 403
    assert "Address or token" in text

    assert ask(server, "GET", "/page.js")[0] == 403
    assert ask(server, "GET", "/?token=another")[0] == 403
    assert question(server, "subject", {}, Cookie="")[0] == 403
    assert question(server, "subject", {}, Cookie=f"kinimmune_{server.port}=another")[0] == 403


def test_another_name_of_this_address_gets_nothing(server):
    """As a site would use whose name was made to point here."""
    assert ask(server, "GET", "/", Host=f"evil.example:{server.port}", Cookie=cookie(server))[0] == 403
    assert question(server, "subject", {}, Host=f"evil.example:{server.port}")[0] == 403


def test_a_page_of_another_site_gets_no_answer(server):
    assert question(server, "subject", {}, Origin="http://evil.example")[0] == 403
    assert question(server, "subject", {}, Origin="null")[0] == 403
    assert question(server, "subject", {}, Origin="")[0] == 403


@pytest.mark.parametrize("path", ["/../server.py", "/static/page.js", "/%2e%2e/server.py", "//etc/passwd", "/.", "/nothing.js"])
def test_only_files_of_the_page_are_given(server, path):
    assert ask(server, "GET", path, Cookie=cookie(server))[0] == 404


def test_every_answer_forbids_what_comes_from_elsewhere(server):
    for path in ("/", "/page.css", "/icon.svg"):
        headers = ask(server, "GET", path, Cookie=cookie(server))[1]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert headers["Cache-Control"] == "no-store"


def test_a_view_is_json_without_what_json_does_not_have(server):
    status, text = question(server, "view", {"setting": {"patients": 2, "values": {"rate": 1e-6}}})

    view = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert status == 200
    assert view["command"] == "kinimmune --set rate=1e-06 --patients 2 --seed 0"


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("view", {"setting": {"values": {"rat": 1}}}, "no parameter 'rat' here; did you mean 'rate'"),
        ("view", {}, "setting: "),
        (
            "view",
            {"setting": {"cuts": ["dyin"], "patients": 2}},
            "--cut dyin: the model has no such arrow; did you mean 'dying'?",
        ),
        ("nothing", {}, "no question 'nothing'"),
        ("bands", {"setting": {}}, "bands are of a posterior"),
        ("arm", {"setting": {}, "study": "two_arms", "arm": "drug", "name": "/tmp/x"}, "is no name of an arm"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_line(server, name, given, told):
    status, text = question(server, name, given)

    assert status == 400
    assert told in json.loads(text)["error"]


def test_a_question_that_is_none_or_too_long_is_refused(server):
    own = {"Cookie": cookie(server), "Origin": f"http://127.0.0.1:{server.port}"}

    assert ask(server, "POST", "/ask/view", "{", **own)[0] == 400
    assert ask(server, "POST", "/ask/view", "[]", **own)[0] == 400
    assert ask(server, "POST", "/ask/view", "", **own, Content_Length="999999999")[0] == 400


def test_a_port_that_is_taken_is_told_with_what_to_do(server):
    with pytest.raises(MachineError, match=f"cannot listen on port {server.port}: .*; give another with --port"):
        open_server(server, server.port)
