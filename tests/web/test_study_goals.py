"""The pages of studies with several objectives, constraints, rungs and a reason for their end."""

from tests.web.test_pages import table, words
from tests.web.world import Client, World, fill_goals


def test_a_study_of_several_objectives_shows_its_front_and_why_it_ended(own_client: Client, world: World) -> None:
    study = fill_goals(world)
    text = own_client.get(f"/studies/{study}?order=value").text
    said = words(text)
    rows = table(text, "Trials")

    assert "Ended by patience: no improvement in 3 trials." in said
    assert "On the front 2" in said
    assert "Paused 1 Stopped early 1" in said
    assert "objectives max:val_accuracy, min:macs" in said
    assert "constraints latency_ms <= 5" in said
    assert f'data-chart="values" data-source="/api/v1/studies/{study}/values"' in text
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    assert ["front" in row for row in rows] == [True, True, False, False, False, False]
    assert "breaks constraints by 0.5000" in rows[3]
    assert "stopped early 0.4000" in rows[5]


def test_the_values_of_trials_are_given_for_a_chart(own_client: Client, world: World) -> None:
    study = fill_goals(world)
    values = own_client.get(f"/api/v1/studies/{study}/values?most=1").json()
    row = own_client.get(f"/api/v1/studies/{study}/trials/4").json()

    assert values["objectives"] == ["max:val_accuracy", "min:macs"]
    assert [(point["number"], point["front"]) for point in values["points"]] == [(0, True), (1, True)]
    assert values["points"][1]["values"] == [0.8, 100.0]
    assert (row["state"], row["bracket"], row["until"], row["reached"]) == ("paused", 0, 3, 2)


def test_a_trial_that_waits_at_a_rung_says_how_far_it_is(own_client: Client, world: World) -> None:
    study = fill_goals(world)
    said = words(own_client.get(f"/studies/{study}/trials/4").text)

    assert "bracket 0, 2 of 3 epochs to its next rung" in said
    assert "val_accuracy 0.5000 macs 70.0000" in said
