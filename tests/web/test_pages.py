"""The pages, as a browser without JavaScript gets them."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from archsmith.graph.graph import INPUT, Graph, Node, Value
from archsmith.graph.types import TensorType
from archsmith.storage.facts import Progress
from archsmith.web.lookups import PAGE
from archsmith.web.site import LARGEST_DRAWN, picture, space_picture
from tests.graph.nets import small_net
from tests.web.world import BEST, BROKEN, CAMPAIGN, LEASE, NOW, SCRIPT, SPEC, TRIALS, Client, World

PAGES = {
    "/": "Overview",
    "/studies": "Studies",
    "/studies/1": "killed",
    "/studies/4": "digits-mcts",
    "/studies/4/trials/0": "Trial 0 of digits-mcts",
    "/studies/4/trials/20": "Trial 20 of digits-mcts",
    "/studies/4/trials/63": "Trial 63 of digits-mcts",
    "/campaigns": "Campaigns",
    "/campaigns/1": "nightly",
    "/campaigns/2": "quiet",
    "/findings": "Findings",
    "/findings/1": "Finding 1",
}


def words(text: str) -> str:
    """What a page says: its text without the markup, white space made even."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def table(text: str, name: str) -> list[str]:
    """The rows of the table in the region of that name, as words."""
    region = text.split(f'aria-label="{name}"', 1)[1].split("</table>", 1)[0]
    return [words(row) for row in re.findall(r"<tr.*?</tr>", region, re.DOTALL)[1:]]


def links(text: str, relation: str) -> list[str]:
    return [unescape(found) for found in re.findall(rf'href="([^"]*)" rel="{relation}"', text)]


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_every_page_opens(path: str, title: str, client: Client) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<title>{title} · archsmith</title>" in answer.text
    assert answer.text.count("<h1") == 1
    assert len(set(re.findall(r' id="([^"]*)"', answer.text))) == len(re.findall(r' id="([^"]*)"', answer.text))


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_script_or_style_or_reaches_another_host(path: str, client: Client) -> None:
    text = client.get(path).text

    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style|\sstyle=|\son\w+=", text)
    assert not re.search(r'(?:src|href|action)="(?!/|#)', text)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(path: str, client: Client) -> None:
    found = {unescape(link).split("#")[0] for link in re.findall(r'href="(/[^"]*)"', client.get(path).text)}

    assert found
    for link in found:
        assert (link, client.get(link).status_code) == (link, 200)


def test_the_overview_shows_what_runs_and_the_latest_of_everything(client: Client) -> None:
    text = client.get("/").text
    running = words(text.split("Running now")[1].split("Latest studies")[0])

    assert "digits-mcts running mcts on cnn" in running
    assert f"63 of {SPEC.trials} trials best 0.9700" in running
    assert "nightly running" in running
    assert "4 821 cases 9 findings" in running
    assert "killed" not in running
    assert [row.split()[0] for row in table(text, "Studies")] == ["digits-mcts", "done", "stopped", "killed"]
    assert len(table(text, "Findings")) == 8


def test_an_empty_store_says_which_commands_fill_it(empty_client: Client) -> None:
    said = {path: words(empty_client.get(path).text) for path in ("/", "/studies", "/campaigns", "/findings")}

    assert "archsmith search run" in said["/"]
    assert "archsmith fuzz run" in said["/"]
    assert "archsmith search run" in said["/studies"]
    assert "archsmith fuzz run" in said["/campaigns"]
    assert "archsmith fuzz run" in said["/findings"]


def test_a_store_with_studies_only_still_says_how_to_begin_a_campaign(empty_world: World, empty_client: Client) -> None:
    with empty_world.store.begin() as tx:
        tx.studies.create(SPEC, None, "host:1", NOW, LEASE)

    assert "No campaign yet. archsmith fuzz run" in words(empty_client.get("/").text)


def test_the_list_of_studies_has_counts_and_the_best_value(client: Client) -> None:
    rows = table(client.get("/studies").text, "Studies")
    failed = len(BROKEN)

    assert rows[0].startswith(
        f"digits-mcts running cnn digits mcts {100 * 63 // SPEC.trials} % 63 / {SPEC.trials} {failed} 0.9700"
    )
    assert rows[1].startswith("done finished cnn digits evolution 100 % 2 / 2 0 0.9300")
    assert rows[2].startswith("stopped stopped spaces/mobile.py:space digits mcts")
    assert rows[3].startswith("killed interrupted cnn digits random 0 % 0 / 80 0 –")


def test_studies_and_campaigns_are_paged_by_id(empty_world: World, empty_client: Client) -> None:
    with empty_world.store.begin() as tx:
        for number in range(PAGE + 3):
            tx.studies.create(replace(SPEC, seed=number), None, "host:1", NOW, LEASE)
            tx.campaigns.create(CAMPAIGN, None, "host:1", NOW, LEASE)

    for path, name, word in (("/studies", "Studies", "study"), ("/campaigns", "Campaigns", "campaign")):
        first = empty_client.get(path).text
        (next_page,) = links(first, "next")
        second = empty_client.get(next_page).text
        shown = [row.split()[0] for row in table(first, name) + table(second, name)]
        assert shown == [f"{word}-{number}" for number in range(PAGE + 3, 0, -1)]
        assert (links(first, "first"), links(second, "first"), links(second, "next")) == ([], [path], [])


def test_a_study_shows_its_facts(client: Client) -> None:
    text = client.get("/studies/4").text
    said = words(text)

    assert "Best val_accuracy 0.9700 Trials done 63 / 80" in said
    assert f"Complete 57 Failed {len(BROKEN)} Running 1" in said
    assert "learning_rate 0.001" in said
    assert "block = residual(norm, act, conv)" in said
    assert 'class="graph space" role="img" aria-label="Search space of 2 parts' in text
    assert 'href="/api/v1/studies/4/space.svg"' in text
    assert 'data-source="/api/v1/studies/4/curve"' in text
    assert 'class="graph" role="img"' in text
    assert f'href="/studies/4/trials/{BEST}"' in text


@pytest.mark.parametrize(
    ("study", "advice"),
    [(1, "archsmith search resume killed"), (2, "archsmith search resume stopped")],
)
def test_a_study_that_nobody_runs_says_how_to_go_on(study: int, advice: str, client: Client) -> None:
    assert advice in words(client.get(f"/studies/{study}").text)


def test_trials_come_newest_first_in_pages(client: Client) -> None:
    first = client.get("/studies/4").text
    (next_page,) = links(first, "next")
    second = client.get(next_page).text
    shown = [int(row.split()[0]) for row in table(first, "Trials") + table(second, "Trials")]

    assert shown == list(range(TRIALS - 1, -1, -1))
    assert links(second, "first") == ["/studies/4#trials"]
    assert links(second, "next") == []


def test_trials_can_be_ordered_by_number_and_by_value(client: Client) -> None:
    oldest = table(client.get("/studies/4?order=number").text, "Trials")
    first = client.get("/studies/4?order=value").text
    (next_page,) = links(first, "next")
    best = table(first, "Trials") + table(client.get(next_page).text, "Trials")
    values = [float(row.split()[2]) for row in best if "complete" in row]

    assert [int(row.split()[0]) for row in oldest] == list(range(PAGE))
    assert best[0].startswith(f"{BEST} complete 0.9700")
    assert values == sorted(values, reverse=True)
    assert len(best) == TRIALS
    assert len(values) == 57


def test_trials_can_be_filtered_by_state(client: Client) -> None:
    whole = client.get("/studies/4").text
    chips = whole.split('aria-label="States of trials"')[1].split("</nav>")[0]
    address = unescape(re.findall(r'href="([^"]*)">timed out', chips)[0])
    raised = client.get("/studies/4?state=raised").text

    assert "raised 2" in words(chips)
    assert [row.split()[0] for row in table(client.get(address).text, "Trials")] == ["14"]
    assert [row.split()[0] for row in table(raised, "Trials")] == ["5", "26"]
    assert "output size is too small" in table(raised, "Trials")[1]


def test_a_filter_without_trials_says_so(client: Client) -> None:
    assert "No trial here." in words(client.get("/studies/3?state=raised").text)


def test_a_trial_shows_its_architecture_decisions_epochs_and_measurement(client: Client) -> None:
    text = client.get("/studies/4/trials/7").text
    said = words(text)

    assert 'class="graph" role="img"' in text
    assert 'data-source="/api/v1/studies/4/trials/7/epochs"' in text
    assert 'href="/api/v1/studies/4/trials/7/graph"' in text
    assert len(table(text, "Decisions of the trace")) == 8
    assert "parameters 69 317" in said
    assert "%1 = conv2d(%0" in said


def test_a_failed_trial_says_why_and_shows_numbers_that_are_not_finite(client: Client) -> None:
    said = words(client.get("/studies/4/trials/20").text)

    assert "val_accuracy was nan after epoch 2" in said
    assert "train_loss nan gradient inf" in said
    assert "Epochs" not in said


def test_a_trial_that_was_not_measured_again_names_the_one_that_was(client: Client) -> None:
    text = client.get("/studies/4/trials/17").text

    assert 'measured as <a href="/studies/4/trials/11">trial 11</a>' in text


def test_a_campaign_shows_its_counters_and_findings(client: Client) -> None:
    text = client.get("/campaigns/1").text
    said = words(text)

    assert "Cases 4 821 1.96 per second" in said
    assert "Rejected 180 3.73 %" in said
    assert "Time 41 min 0 s" in said
    assert "Operators 5 add 100 % 2 210" in said
    assert "compile · failed 0 % 22" in said
    assert len(table(text, "Findings")) == 9
    assert "torch 2.13.0" in said


def test_a_campaign_without_findings_says_so(client: Client) -> None:
    assert "PyTorch was right every time" in words(client.get("/campaigns/2").text)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("?campaign=1&oracle=&kind=&state=", [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("?campaign=2", []),
        ("?oracle=export", [8, 6, 4, 2]),
        ("?kind=crash", [7, 3]),
        ("?state=reported", [3]),
        ("?oracle=export&kind=exception", [6, 2]),
        ("?kind=crash&before=7", [3]),
        ("?kind=nothing+of+the+kind", []),
    ],
)
def test_findings_are_filtered_by_the_address(query: str, ids: list[int], client: Client) -> None:
    text = client.get(f"/findings{query}").text
    found = [int(row.split()[0][1:]) for row in table(text, "Findings")] if ids else []

    assert found == ids
    assert bool(ids) != ("No finding fits." in words(text))


def test_a_chosen_filter_stays_chosen(client: Client) -> None:
    text = client.get("/findings?kind=crash&campaign=2").text

    assert '<option value="crash" selected>' in text
    assert '<option value="2" selected>quiet' in text


def test_findings_are_paged_within_their_filter(world: World, own_client: Client) -> None:
    with world.store.begin() as tx:
        old = tx.findings.get(1).content
        for number in range(2 * PAGE + 20):
            tx.findings.record(2, replace(old, bucket=f"more {number}", oracle="export"), NOW)
            tx.findings.record(1, replace(old, bucket=f"more {number}", kind="hang"), NOW)
    page, seen = "/findings?campaign=2&oracle=export", []
    while page:
        text = own_client.get(page).text
        seen += [int(row.split()[0][1:]) for row in table(text, "Findings")]
        page = next(iter(links(text, "next")), "")

    assert len(seen) == 2 * PAGE + 20
    assert seen == sorted(set(seen), reverse=True)


def test_a_finding_shows_its_script_and_how_to_see_it_again(client: Client) -> None:
    text = client.get("/findings/2").text
    said = words(text)
    script = text.split('id="script"')[1].split(">", 1)[1].split("</pre>")[0]

    assert unescape(re.sub("<[^>]*>", "", script)) == SCRIPT
    assert "archsmith fuzz replay 2" in said
    assert "Greatest absolute difference: 0.7311" in said
    assert "Hits 2" in said
    assert 'class="graph" role="img"' in text
    assert "torch 2.13.0" in said


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/studies/99",
        "/studies/0",
        "/studies/-1",
        "/studies/abc",
        f"/studies/{2**63 - 1}",
        f"/studies/{2**63}",
        f"/studies/{'9' * 400}",
        "/studies/4/trials/64",
        f"/studies/4/trials/{2**63 - 1}",
        "/campaigns/99",
        f"/campaigns/{2**64}",
        "/findings/99",
        "/findings/1.5",
        "/docs",
        "/redoc",
        "/static/../app.py",
        "/static/nothing.css",
    ],
)
def test_what_is_not_there_gets_a_plain_page(path: str, client: Client) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Nothing here" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/studies/4?state=happy",
        "/studies/4?order=weight",
        "/studies/4?after=x",
        f"/studies?before={2**63}",
        "/findings?campaign=first",
        f"/findings?campaign={'9' * 30}",
        "/findings?before=-1",
    ],
)
def test_a_question_that_makes_no_sense_gets_a_plain_page(path: str, client: Client) -> None:
    answer = client.get(path)

    assert answer.status_code == 422
    assert "Not a valid question" in answer.text


def test_a_cursor_at_a_trial_that_is_not_there_gets_a_plain_page(client: Client) -> None:
    assert client.get("/studies/4?order=value&after=999").status_code == 404
    assert client.get(f"/studies/4?order=number&after={2**63 - 1}").status_code == 200
    assert client.get(f"/studies/4?after={2**63 - 1}").status_code == 200


def test_pages_may_only_be_read(client: Client) -> None:
    assert client.get("/studies", method="POST").status_code == 405


def test_a_running_job_is_looked_after_more_often_than_others(client: Client) -> None:
    every = {
        path: re.findall(r'data-every="(\d+)"', client.get(path).text)
        for path in (
            "/studies/4",
            "/studies/1",
            "/studies/3",
            "/campaigns/1",
            "/campaigns/2",
            "/studies/4/trials/0",
        )
    }

    assert every == {
        "/studies/4": ["2000"],
        "/studies/1": ["10000"],
        "/studies/3": [],
        "/campaigns/1": ["2000"],
        "/campaigns/2": [],
        "/studies/4/trials/0": [],
    }


def test_a_lapsed_lease_turns_running_into_interrupted(world: World, own_client: Client) -> None:
    world.now = NOW + timedelta(minutes=2)
    said = words(own_client.get("/studies/4").text)

    assert "digits-mcts interrupted" in said
    assert "archsmith search resume digits-mcts" in said
    assert "is-running" not in own_client.get("/studies/4").text
    states = {row["state"] for row in own_client.get("/api/v1/studies/4/trials?limit=200").json()["items"]}
    assert "interrupted" in states
    assert "running" not in states
    assert "Running now" not in own_client.get("/").text


def test_a_campaign_bounded_by_cases_shows_its_share(empty_world: World, empty_client: Client) -> None:
    with empty_world.store.begin() as tx:
        spec = replace(CAMPAIGN, cases=200, minutes=None)
        made = tx.campaigns.create(spec, "counted", "host:1", NOW, LEASE)
        tx.campaigns.advance(made.id, "host:1", Progress(50, (), {}, 1.0), NOW)

    assert '<progress max="100" value="25"' in empty_client.get("/").text


def test_the_newest_trials_are_found_across_numbers_that_were_lost(empty_world: World, empty_client: Client) -> None:
    numbers = [*range(30), *range(150, 200)]
    with empty_world.store.begin() as tx:
        graph = tx.graphs.put(small_net(4, 1))
        study = tx.studies.create(SPEC, None, "host:1", NOW, LEASE).id
        for number in numbers:
            tx.trials.start(study, number, {}, graph, NOW)
    first = empty_client.get(f"/studies/{study}").text
    (next_page,) = links(first, "next")
    shown = table(first, "Trials") + table(empty_client.get(next_page).text, "Trials")

    assert [int(row.split()[0]) for row in shown] == numbers[::-1]


def test_the_source_of_a_space_is_shown_as_python(empty_world: World, empty_client: Client) -> None:
    with empty_world.store.begin() as tx:
        spec = replace(SPEC, space_source='space = "<cnn>"')
        tx.studies.create(spec, None, "host:1", NOW, LEASE)

    assert '<span class="py-s">&#34;&lt;cnn&gt;&#34;</span>' in empty_client.get("/studies/1").text


def test_a_graph_that_nobody_could_read_is_only_listed() -> None:
    image = TensorType((1, 3))
    chain = [Node(INPUT, (), (), (image,))]
    chain += [Node("relu", (Value(i),), (), (image,)) for i in range(LARGEST_DRAWN)]
    drawn, text = picture(Graph(tuple(chain), (Value(LARGEST_DRAWN),)))

    assert drawn == f"<p>{LARGEST_DRAWN + 1} nodes are too many to draw; the listing has them all.</p>"
    assert len(text.splitlines()) == LARGEST_DRAWN + 2


def test_a_space_that_nobody_could_read_is_only_text() -> None:
    drawn = space_picture("chain\n" + "  relu()\n" * LARGEST_DRAWN)

    assert drawn == f"<p>{LARGEST_DRAWN + 1} parts are too many to draw; the text has them all.</p>"


def test_a_study_without_the_text_of_its_space_says_so(empty_world: World, empty_client: Client) -> None:
    with empty_world.store.begin() as tx:
        tx.studies.create(replace(SPEC, space_text=""), None, "host:1", NOW, LEASE)

    assert "The study has kept no text of its space." in empty_client.get("/studies/1").text
    assert empty_client.get("/api/v1/studies/1/space.svg").text.startswith("<svg")


def test_counters_of_any_kind_do_not_hurt_a_page(empty_world: World, empty_client: Client) -> None:
    odd = {"cases": "many", "ran": float("nan"), "far": 10**400, "deep": {"a": {"b": 2, "c": None}, "d": float("inf")}}
    with empty_world.store.begin() as tx:
        made = tx.campaigns.create(CAMPAIGN, "odd", "host:1", NOW, LEASE)
        tx.campaigns.advance(made.id, "host:1", Progress(7, (), odd, 2.0), NOW)
    said = words(empty_client.get("/campaigns/1").text)

    assert "Cases 7 3.5 per second" in said
    assert "Deep 1 a · b 100 % 2" in said
    assert empty_client.get("/campaigns").status_code == 200
