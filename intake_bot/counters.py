"""What this process counts for Prometheus (`/metrics`). Not: figures of the trade, which come from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from storage.store import Receipt


class Counters:
    """Counters and histograms of one process, in a registry of their own so that several houses can stand side by side."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._complaints = Counter(
            "intake_complaints", "Complaints by channel and outcome", ["channel", "outcome"], registry=self.registry
        )
        self._refusals = Counter(
            "intake_refused_requests", "Requests refused by signature", ["channel", "reason"], registry=self.registry
        )
        self._requests = Histogram(
            "intake_request_seconds",
            "Time to answer",
            ["method", "route", "status"],
            registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.job_failures = Counter("intake_job_failures", "Timer jobs that raised", ["job"], registry=self.registry)
        self.deliveries = Counter(
            "intake_deliveries", "Outbox deliveries by outcome", ["outcome"], registry=self.registry
        )

    def received(self, channel: str, results: Sequence[object]) -> None:
        """Count what became of the members of one request."""
        for result in results:
            if not isinstance(result, Receipt):
                outcome = "refused"
            else:
                outcome = "duplicate" if result.duplicate else str(result.ticket.status)
            self._complaints.labels(channel, outcome).inc()

    def by_channel(self) -> dict[str, dict[str, int]]:
        """Channel → what became of its members since this process began: `taken`, `duplicate`, `refused`, `unsigned`."""
        found: dict[str, dict[str, int]] = {}
        for metric, outcome_of in ((self._complaints, _outcome), (self._refusals, lambda _: "unsigned")):
            for sample in (one for family in metric.collect() for one in family.samples if one.name.endswith("_total")):
                counts = found.setdefault(sample.labels["channel"], {})
                outcome = outcome_of(sample.labels)
                counts[outcome] = counts.get(outcome, 0) + int(sample.value)
        return found

    def failed_jobs(self) -> dict[str, int]:
        """Timer's job → how often it raised since this process began."""
        samples = (one for family in self.job_failures.collect() for one in family.samples)
        return {one.labels["job"]: int(one.value) for one in samples if one.name.endswith("_total") and one.value}

    def refused(self, channel: str, reason: str) -> None:
        self._refusals.labels(channel, reason).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)


def _outcome(labels: Mapping[str, str]) -> str:
    """Taken, whatever its status was then; or a duplicate; or refused for its content."""
    return labels["outcome"] if labels["outcome"] in {"duplicate", "refused"} else "taken"
