"""The JSON API says what the store says."""

import json
from dataclasses import replace

import pytest

from archsmith.graph.text import from_json
from archsmith.storage.facts import CurvePoint
from archsmith.web.lookups import thinned
from tests.graph.nets import odd_graph
from tests.web.world import BEST, BROKEN, LEASE, NOW, SCRIPT, SPEC, TRIALS, Client, World

V1 = "/api/v1"
HUGE = 2**63


def test_studies_are_listed_newest_first_without_their_texts(client: Client) -> None:
    found = client.get(f"{V1}/studies").json()

    assert [row["name"] for row in found["items"]] == ["digits-mcts", "done", "stopped", "killed"]
    assert [row["state"] for row in found["items"]] == ["running", "finished", "stopped", "interrupted"]
    assert found["items"][0]["counts"]["complete"] == 57
    assert (found["items"][0]["best_number"], found["items"][0]["best_value"]) == (BEST, 0.97)
    assert "space_text" not in found["items"][0]
    assert found["next"] is None


def test_a_list_is_paged_by_its_next(client: Client) -> None:
    first = client.get(f"{V1}/studies?limit=3").json()
    second = client.get(f"{V1}/studies?limit=3&before={first['next']}").json()

    assert [row["id"] for row in first["items"] + second["items"]] == [4, 3, 2, 1]
    assert second["next"] is None


def test_a_study_is_given_whole(client: Client) -> None:
    found = client.get(f"{V1}/studies/4").json()

    assert found["spec"]["space_text"] == SPEC.space_text
    assert found["spec"]["settings"] == SPEC.settings
    assert found["counts"]["running"] == 1
    assert found["created"] == NOW.isoformat()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("?limit=3", [0, 1, 2]),
        ("?limit=3&after=2", [3, 4, 5]),
        ("?state=raised", [5, 26]),
        ("?state=out+of+memory", [21]),
        ("?order=value&limit=1", [BEST]),
        (f"?after={TRIALS - 2}", [TRIALS - 1]),
        (f"?after={TRIALS}", []),
    ],
)
def test_trials_are_filtered_ordered_and_paged(query: str, numbers: list[int], client: Client) -> None:
    assert [row["number"] for row in client.get(f"{V1}/studies/4/trials{query}").json()["items"]] == numbers


def test_all_trials_are_reached_by_following_next(client: Client) -> None:
    numbers: list[int] = []
    after: str | None = ""
    while after is not None:
        page = client.get(f"{V1}/studies/4/trials?limit=20&order=value{after}").json()
        numbers += [row["number"] for row in page["items"]]
        after = None if page["next"] is None else f"&after={page['next']}"

    assert sorted(numbers) == list(range(TRIALS))


def test_numbers_that_are_not_finite_are_strings(client: Client) -> None:
    found = client.get(f"{V1}/studies/4/trials/20").json()

    assert found["result"]["measurement"] == {"train_loss": "nan", "gradient": "inf"}
    assert found["result"]["state"] == "not finite"


def test_the_curve_has_all_values_the_best_and_the_failures(client: Client) -> None:
    curve = client.get(f"{V1}/studies/4/curve").json()

    assert curve["objective"] == "val_accuracy"
    assert len(curve["points"]) == 57
    assert curve["points"][-1]["best"] == 0.97
    assert {trial["number"]: trial["state"] for trial in curve["failed"]} == {
        number: state.value for number, (state, _) in BROKEN.items()
    }


def test_a_thinned_curve_keeps_every_improvement_and_the_end() -> None:
    values = [(i * 37 % 101) / 101 for i in range(1000)]
    points = [CurvePoint(i, value, max(values[: i + 1])) for i, value in enumerate(values)]
    improvements = {best: i for i, best in reversed([(point.number, point.best) for point in points])}
    kept = {point.number for point in thinned(points, 50)}

    assert set(improvements.values()) <= kept
    assert len(kept) <= 50 + len(improvements) + 1
    assert 999 in kept
    assert thinned(points, 5000) == points


def test_epochs_are_given_in_order(client: Client) -> None:
    epochs = client.get(f"{V1}/studies/4/trials/7/epochs").json()

    assert [epoch["number"] for epoch in epochs] == list(range(1, 9))
    assert epochs[0]["metrics"]["train_loss"] == 2.3


def test_a_graph_is_given_as_text_that_reads_back_and_as_a_picture(client: Client) -> None:
    answer = client.get(f"{V1}/findings/1/graph")
    drawing = client.get(f"{V1}/findings/1/graph.svg")
    trial = client.get(f"{V1}/studies/4/trials/7/graph")

    assert from_json(answer.text) == odd_graph()
    assert from_json(trial.text).output_types[0].shape == (1, 10)
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert "<style>" in drawing.text
    assert client.get(f"{V1}/studies/4/trials/7/graph.svg").text.startswith("<svg")
    assert client.get(f"{V1}/studies/4/space.svg").text.startswith("<svg")


def test_campaigns_and_findings_are_given(client: Client) -> None:
    campaigns = client.get(f"{V1}/campaigns").json()["items"]
    findings = client.get(f"{V1}/findings?kind=crash&campaign=1").json()

    assert [row["name"] for row in campaigns] == ["quiet", "nightly"]
    assert client.get(f"{V1}/campaigns/1").json()["progress"]["counters"]["ran"] == 4610
    assert [row["id"] for row in findings["items"]] == [7, 3]
    assert client.get(f"{V1}/findings/2").json()["content"]["case"]["number"] == 40


def test_a_script_is_plain_text(client: Client) -> None:
    answer = client.get(f"{V1}/findings/1/script")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == SCRIPT


def test_a_page_of_findings_is_never_lost_by_a_filter(world: World, own_client: Client) -> None:
    with world.store.begin() as tx:
        old = tx.findings.get(1).content
        for number in range(250):
            kind = "rare" if number in (3, 249) else "hang"
            tx.findings.record(1, replace(old, bucket=f"more {number}", kind=kind), NOW)
    found: list[str] = []
    before: str | None = ""
    while before is not None:
        page = own_client.get(f"{V1}/findings?kind=rare&limit=1{before}").json()
        found += [row["content"]["bucket"] for row in page["items"]]
        before = None if page["next"] is None else f"&before={page['next']}"

    assert found == ["more 249", "more 3"]


def test_events_come_after_a_cursor_and_by_subject(client: Client) -> None:
    events = client.get(f"{V1}/events").json()

    assert [event["kind"] for event in events] == ["started", "finding", "trial"]
    assert [event["id"] for event in client.get(f"{V1}/events?after=1").json()] == [2, 3]
    assert [event["id"] for event in client.get(f"{V1}/events?after=1&subject=study/4").json()] == [3]
    assert client.get(f"{V1}/events?after={HUGE - 1}").json() == []


@pytest.mark.parametrize("subject", ["overview", "study/4", "trial/4/63", "campaign/1", "finding/1"])
def test_a_version_stays_until_something_changes(subject: str, world: World, own_client: Client) -> None:
    def version() -> str:
        return str(own_client.get(f"{V1}/version?of={subject}").json()["version"])

    before = version()
    again = version()
    world.end_trial(TRIALS - 1, 0.5)
    with world.store.begin() as tx:
        tx.findings.mark(1, "known")

    assert again == before
    assert version() != before


def test_a_renewed_lease_is_no_news(world: World, own_client: Client) -> None:
    before = own_client.get(f"{V1}/version?of=study/4").json()
    with world.store.begin() as tx:
        renewed = tx.studies.renew(4, "host:41", NOW, 5 * LEASE)

    assert renewed
    assert own_client.get(f"{V1}/version?of=study/4").json() == before


@pytest.mark.parametrize(
    "path",
    [
        "/studies/99",
        f"/studies/{HUGE - 1}",
        "/studies/99/curve",
        "/studies/99/trials",
        "/studies/4/trials/999",
        "/studies/4/trials/999/graph",
        "/studies/4/trials/999/epochs",
        "/studies/4/trials?order=value&after=999",
        "/campaigns/99",
        "/findings/99",
        "/findings/99/script",
        "/findings/99/graph",
        "/version?of=study/99",
        "/version?of=trial/4/999",
        "/nothing",
        f"/studies/{HUGE}",
        "/studies/abc",
    ],
)
def test_what_is_not_there_is_404_in_json(path: str, client: Client) -> None:
    answer = client.get(V1 + path)

    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    "path",
    [
        "/studies?limit=0",
        "/studies?limit=1001",
        f"/studies?before={HUGE}",
        "/studies/4/trials?state=happy",
        "/studies/4/trials?order=weight",
        "/studies/4/curve?most=1",
        "/findings?campaign=x",
        "/events?after=-1",
        "/version",
        "/version?of=everything",
        f"/version?of=study/{HUGE * 1000}",
    ],
)
def test_a_question_that_makes_no_sense_is_422_in_json(path: str, client: Client) -> None:
    answer = client.get(V1 + path)

    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_the_description_names_every_route_and_its_answers(client: Client) -> None:
    described = client.get("/openapi.json").json()

    assert {
        "/studies",
        "/studies/{id}",
        "/studies/{id}/curve",
        "/studies/{id}/values",
        "/studies/{id}/space.svg",
        "/studies/{id}/trials",
        "/studies/{id}/trials/{number}",
        "/studies/{id}/trials/{number}/epochs",
        "/studies/{id}/trials/{number}/graph",
        "/studies/{id}/trials/{number}/graph.svg",
        "/campaigns",
        "/campaigns/{id}",
        "/findings",
        "/findings/{id}",
        "/findings/{id}/script",
        "/findings/{id}/graph",
        "/findings/{id}/graph.svg",
        "/events",
        "/version",
    } == {path.removeprefix(V1) for path in described["paths"]}
    for path, methods in described["paths"].items():
        assert set(methods) == {"get"}, path
        assert {"200", "401", "404", "422", "503"} <= set(methods["get"]["responses"]), path
        assert methods["get"]["description"], path


def test_half_a_surrogate_pair_reaches_the_reader(world: World, own_client: Client) -> None:
    with world.store.begin() as tx:
        tx.trials.start(4, TRIALS, {"odd \ud800": "\udfff"}, world.graphs[0], NOW)

    path = f"/studies/4/trials/{TRIALS}"

    assert own_client.get(path).status_code == 200
    assert json.loads(own_client.get(V1 + path).text)["trace"] == {"odd \ud800": "\udfff"}
