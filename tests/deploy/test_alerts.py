"""Each shipped alert fires on its fault and is silent before and after it, by promtool. Score drift: `test_drift.py`.

A series of `promtool` has a value for each minute: `0x10` is 0 for eleven minutes, `0+5x10` rises by 5 each minute.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deployment import rules
from tests.deploy.rule_tests import check_rules

AGES = "melanoma_ledger_oldest_undelivered_decision_age_seconds"
CALLS = "melanoma_bot_telegram_calls_total"
DEAD = "melanoma_ledger_dead_letters_added_total"

AWAY = "The ledger's Redis does not answer, or the exporter does not run."

#: Series of a service that is well. Without them the alerts on what is missing would fire.
HEALTHY = {
    "melanoma_ledger_up": "1x3000",
    'melanoma_ledger_processes{role="worker"}': "1x3000",
    'melanoma_ledger_processes{role="bot"}': "1x3000",
}


@dataclass
class Case:
    """An alert with series in which it fires at minutes `on` and is silent at minutes `off`.

    `summary` is its text, `labels` are those of its query. `but` are alerts that the same series raise, too.
    """

    alert: str
    series: dict[str, str]
    on: tuple[int, ...] = ()
    off: tuple[int, ...] = ()
    summary: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    but: set[str] = field(default_factory=set)


CASES = {
    "a photograph waits": Case(
        "InteractiveWaitTooLong",
        {'melanoma_ledger_oldest_ready_job_age_seconds{queue="interactive"}': "0x10 180x10 0x20"},
        on=(15,),
        off=(10, 25),
        summary="A photograph from the chat has been waiting for 3m 0s.",
        labels={"queue": "interactive"},
    ),
    "an answer of the bot waits": Case(
        "AnswersNotDelivered",
        {f'{AGES}{{outbox="telegram"}}': "0x10 420x10 0x20"},
        on=(15,),
        off=(10, 25),
        summary="An answer has been waiting for its delivery for 7m 0s.",
        labels={"outbox": "telegram"},
    ),
    "results of a folder run wait": Case(
        "FolderRunWithoutCommand",
        {f'{AGES}{{outbox="bulk"}}': "0x10 7200x20 0x20", f'{AGES}{{outbox="telegram"}}': "0x50"},
        on=(20,),
        off=(10, 40),
        summary="Nobody has fetched the results of a folder run for 2h 0m 0s.",
        labels={"outbox": "bulk"},
    ),
    "nothing is decided": Case(
        "NoProgress",
        {
            'melanoma_ledger_ready_jobs{queue="interactive"}': "7x40 0x20",
            'melanoma_ledger_ready_jobs{queue="bulk"}': "0x60",
            'melanoma_decisions_total{kind="verdict"}': "0+5x10 50x50",
        },
        on=(30,),
        off=(10, 50),
        summary="7 photographs are waiting and none is being decided.",
    ),
    "nothing is decided and bulk alone is paused": Case(
        "NoProgress",
        {
            'melanoma_ledger_ready_jobs{queue="interactive"}': "7x40 0x20",
            'melanoma_ledger_ready_jobs{queue="bulk"}': "900x60",
            'melanoma_ledger_queue_paused{queue="interactive"}': "0x60",
            'melanoma_ledger_queue_paused{queue="bulk"}': "1x60",
        },
        on=(30,),
        off=(3, 50),
        summary="7 photographs are waiting and none is being decided.",
        but={"QueuePausedTooLong"},
    ),
    "only a paused queue has jobs": Case(
        "NoProgress",
        {
            'melanoma_ledger_ready_jobs{queue="bulk"}': "900x60",
            'melanoma_ledger_queue_paused{queue="bulk"}': "1x60",
        },
        off=(20, 50),
        but={"QueuePausedTooLong"},
    ),
    "two bots use one token": Case(
        "TelegramErrors",
        {
            # Each minute three requests for updates succeed and seventeen are refused, while answers are sent.
            f'{CALLS}{{kind="poll",outcome="ok"}}': "0+3x90",
            f'{CALLS}{{kind="poll",outcome="conflict"}}': "0x10 0+17x20 340x60",
            f'{CALLS}{{kind="method",outcome="ok"}}': "0+100x90",
        },
        on=(25,),
        off=(10, 60),
        summary="85% of the bot's calls to Telegram fail (kind of call: poll).",
        labels={"kind": "poll"},
    ),
    "33 calls are refused": Case(
        "TelegramErrors",
        {
            f'{CALLS}{{kind="method",outcome="ok"}}': "0+10x90",
            f'{CALLS}{{kind="method",outcome="too_fast"}}': "0x10 0+1x11 11x70",
            f'{CALLS}{{kind="method",outcome="uncertain"}}': "0x10 0+1x11 11x70",
            f'{CALLS}{{kind="method",outcome="unwanted"}}': "0x10 0+1x11 11x70",
        },
        on=(21,),
        off=(10, 60),
        summary="23.08% of the bot's calls to Telegram fail (kind of call: method).",
        labels={"kind": "method"},
    ),
    "sending fails altogether": Case(
        "TelegramErrors",
        {
            f'{CALLS}{{kind="method",outcome="ok"}}': "0x90",
            f'{CALLS}{{kind="method",outcome="uncertain"}}': "0x10 0+1x20 20x60",
            f'{CALLS}{{kind="poll",outcome="ok"}}': "0+3x90",
        },
        on=(25,),
        off=(10, 60),
        summary="100% of the bot's calls to Telegram fail (kind of call: method).",
        labels={"kind": "method"},
    ),
    "one of few users has blocked the bot": Case(
        "TelegramErrors",
        {
            f'{CALLS}{{kind="method",outcome="ok"}}': "0x10 0+1x5 5x60",
            f'{CALLS}{{kind="method",outcome="unwanted"}}': "0x10 0+1x2 2x63",
        },
        off=(12, 20, 30),
    ),
    "no worker": Case(
        "NoWorker",
        {'melanoma_ledger_processes{role="worker"}': "1x10 0x10 1x20"},
        on=(15,),
        off=(10, 25),
        summary="No worker is running.",
        labels={"role": "worker"},
    ),
    "no bot": Case(
        "NoBot",
        {'melanoma_ledger_processes{role="bot"}': "2x10 0x10 1x20"},
        on=(15,),
        off=(10, 25),
        summary="No bot is running: nobody gets an answer.",
        labels={"role": "bot"},
    ),
    "a service for folders alone": Case("NoBot", {'melanoma_ledger_processes{role="bot"}': "0x60"}, off=(10, 50)),
    "the ledger is away": Case(
        "LedgerUnavailable", {"melanoma_ledger_up": "1x10 0x10 1x20"}, on=(15,), off=(10, 25), summary=AWAY
    ),
    "the exporter is away": Case(
        "LedgerUnavailable",
        {"melanoma_ledger_up": "1x10 _x15 1x20"},
        on=(20,),
        off=(10, 30),
        summary=AWAY,
    ),
    "forty new dead letters after an operator has dropped others": Case(
        "DeadLetters",
        {
            "melanoma_ledger_dead_letters": "100x20 0x10 40x100",
            f'{DEAD}{{outbox="telegram",reason="deadline"}}': "100x30 140x120",
            f'{DEAD}{{outbox="bulk",reason="deadline"}}': "0x150",
            f'{DEAD}{{outbox="telegram:messages",reason="deadline"}}': "0+10x150",
        },
        on=(40,),
        off=(25, 100),
        summary="40 photographs of the last hour have no decision or no delivered answer.",
    ),
    "the image store is full": Case(
        "ImageStoreNearlyFull",
        {"melanoma_image_store_bytes": "50x10 95x20 50x20", "melanoma_image_store_max_bytes": "100x60"},
        on=(20,),
        off=(10, 40),
        summary="The image store is at 95% of its budget. When it is full, no new image is accepted.",
    ),
    "a queue stays paused": Case(
        "QueuePausedTooLong",
        {'melanoma_ledger_queue_paused{queue="bulk"}': "0x10 1x50 0x20"},
        on=(50,),
        off=(30, 70),
        summary="The queue bulk has been paused for half an hour. The deadlines of its jobs still apply.",
        labels={"queue": "bulk"},
    ),
    "many photographs are refused": Case(
        "RefusalRateJump",
        {
            'melanoma_decisions_total{kind="verdict"}': "0+10x2000",
            'melanoma_refusals_total{reason="damaged"}': "0+1x1500 1500+8x90 2220+1x500",
        },
        on=(1580,),
        off=(1490, 1900),
        summary="80% of the photographs are refused, more than twice the share of the last seven days.",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_alert_fires_on_its_fault_and_resolves(tmp_path: Path, case: Case) -> None:
    series = [{"series": name, "values": values} for name, values in {**HEALTHY, **case.series}.items()]
    # No other alert fires with it: else its text would be about another fault.
    others = "|".join(sorted({case.alert} | case.but))
    query = f'ALERTS{{alertstate="firing",alertname!~"{others}"}}'
    minutes = (*case.on, *case.off)
    check_rules(
        tmp_path,
        [
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [expected_alert(case, minute) for minute in minutes],
                "promql_expr_test": [
                    {"expr": query, "eval_time": f"{minute}m", "exp_samples": []} for minute in minutes
                ],
            }
        ],
    )


def expected_alert(case: Case, minute: int) -> dict[str, Any]:
    """The test of promtool that the alert has its text, or does not fire, at `minute`."""
    (rule,) = (rule for rule in rules() if rule.get("alert") == case.alert)
    alert = {
        "exp_labels": case.labels | rule["labels"],
        "exp_annotations": {"summary": case.summary, "do": text_of(rule["annotations"]["do"], case.labels)},
    }
    return {"alertname": case.alert, "eval_time": f"{minute}m", "exp_alerts": [alert] if minute in case.on else []}


def text_of(template: str, labels: dict[str, str]) -> str:
    """The text of a template that names labels alone."""
    for name, value in labels.items():
        template = template.replace(f"{{{{ $labels.{name} }}}}", value)
    return template


def test_each_alert_has_a_case() -> None:
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert alerts == {case.alert for case in CASES.values() if case.on} | {"ScoresDrift"}
