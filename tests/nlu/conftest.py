"""Fixtures of the NLU tests: a small model, trained in a second, and an engine over it."""

from __future__ import annotations

import pytest
import small_corpus

from nlu.embedded.engine import EmbeddedEngine
from nlu.embedded.model import Model
from nlu.training import train


@pytest.fixture(scope="session")
def small_model() -> Model:
    return train(small_corpus.rows(), ["恬庄"])


@pytest.fixture(scope="session")
def small_engine(small_model: Model) -> EmbeddedEngine:
    return EmbeddedEngine(small_model, small_corpus.tree(), frozenset({"恬庄", "高庄村", "凤凰镇"}))
