"""The dialogue as one table: at which stage what a person does leads to which step. The first row that fits counts.

Read it from top to bottom: first what overrides everything (danger, despair, giving up, a human being), then
corrections, then the answers to the question that was asked, then what somebody may begin at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from intake_bot.conversation import care, cases, taking, talk
from intake_bot.conversation.asking import Desk, Step
from intake_bot.conversation.hearing import Heard
from intake_bot.conversation.signals import Act
from intake_bot.conversation.state import Stage, State

Handler = Callable[[State, Heard, Desk], Step]


@dataclass(frozen=True, slots=True)
class Row:
    """At one of `stages`, a turn that does one of `acts` is handled by `step`."""

    stages: frozenset[Stage]
    acts: frozenset[Act]
    step: Handler


ANYWHERE = frozenset(Stage)
URGENT = frozenset({Stage.URGENT_PLACE, Stage.URGENT_PHONE})
DRAFTING = frozenset(
    {
        Stage.MATTER,
        Stage.SEVERAL,
        Stage.REFER,
        Stage.PLACE,
        Stage.SINCE,
        Stage.PHOTO,
        Stage.PHONE,
        Stage.KIND,
        Stage.CONFIRM,
    }
)
"""A matter is being taken down."""

FREE = frozenset({Stage.IDLE, Stage.CASE, Stage.ANSWERED})
"""Nothing has to be answered: anything may begin."""

LOOKING = frozenset({Stage.TICKET_NO, Stage.TAIL, Stage.SOLVED, Stage.SATISFACTION})


def _at(*stages: Stage) -> frozenset[Stage]:
    return frozenset(stages)


def _does(*acts: Act) -> frozenset[Act]:
    return frozenset(acts)


TABLE: tuple[Row, ...] = (
    # what overrides everything
    Row(ANYWHERE, _does(Act.SELF_HARM), care.comfort),
    Row(ANYWHERE, _does(Act.DANGER), care.alarm),
    Row(URGENT, _does(Act.CANCEL, Act.SKIP, Act.NO_PHONE, Act.NO, Act.THANK, Act.PART), care.pass_over),
    Row(_at(Stage.REFER), _does(Act.CANCEL), taking.leave_to_them),
    Row(DRAFTING, _does(Act.CANCEL), taking.drop),
    Row(LOOKING, _does(Act.CANCEL), cases.leave),
    Row(FREE, _does(Act.CANCEL), talk.nothing_to_cancel),
    Row(ANYWHERE - URGENT, _does(Act.PERSON), care.person),
    Row(ANYWHERE - URGENT, _does(Act.HURRY), care.hurry),
    Row(ANYWHERE - URGENT, _does(Act.INSULT), care.calm),
    # a danger is registered: what is said now is passed on at once
    Row(_at(Stage.URGENT_PLACE), _does(Act.POINT, Act.PHOTOS, Act.WORDS), care.tell_place),
    Row(_at(Stage.URGENT_PHONE), _does(Act.PHONE, Act.POINT, Act.PHOTOS, Act.WORDS), care.tell_phone),
    # corrections, at any time
    Row(
        DRAFTING - {Stage.MATTER},
        _does(
            Act.CORRECTED_PLACE,
            Act.EDIT_PLACE,
            Act.EDIT_PHONE,
            Act.EDIT_SINCE,
            Act.EDIT_PHOTO,
            Act.EDIT_KIND,
            Act.EDIT_MATTER,
        ),
        taking.edit,
    ),
    # one matter or several
    Row(_at(Stage.SEVERAL), _does(Act.SPLIT, Act.YES), taking.split),
    Row(_at(Stage.SEVERAL), _does(Act.JOIN, Act.NO), taking.join),
    # another department's business
    Row(_at(Stage.REFER), _does(Act.FORWARD, Act.YES), taking.forward),
    Row(_at(Stage.REFER), _does(Act.OURS), taking.ours),
    Row(_at(Stage.REFER), _does(Act.NO, Act.SKIP, Act.THANK, Act.PART), taking.leave_to_them),
    # where, since when, pictures, a number
    Row(_at(Stage.SINCE, Stage.PHOTO, Stage.PHONE, Stage.CONFIRM), _does(Act.JUST_PLACE), taking.place_by_the_way),
    Row(_at(Stage.PLACE), _does(Act.SAME_PLACE), taking.same_place),
    Row(_at(Stage.PLACE), _does(Act.SKIP, Act.NO, Act.POINT), taking.go_on),
    Row(_at(Stage.SINCE), _does(Act.SKIP, Act.NO, Act.YES), taking.go_on),
    Row(_at(Stage.PHOTO), _does(Act.PHOTOS, Act.SKIP, Act.NO, Act.NO_PHONE, Act.YES), taking.go_on),
    Row(_at(Stage.PHONE), _does(Act.PHONE), taking.phone),
    Row(_at(Stage.PHONE), _does(Act.NO_PHONE, Act.SKIP, Act.NO), taking.no_phone),
    Row(_at(Stage.PHONE), _does(Act.ANONYMOUS, Act.CONFIDENTIAL, Act.OPEN), taking.go_on_with_secrecy),
    Row(_at(Stage.PHONE), _does(Act.WRONG_PHONE), taking.wrong_phone),
    Row(_at(Stage.KIND), _does(Act.KIND), taking.kind),
    # is it right?
    Row(_at(Stage.CONFIRM), _does(Act.SUBMIT, Act.YES), taking.submit),
    Row(_at(Stage.CONFIRM), _does(Act.NO), taking.doubt),
    Row(_at(Stage.CONFIRM), _does(Act.PHOTOS, Act.POINT, Act.PHONE), taking.go_on),
    Row(DRAFTING | FREE, _does(Act.ANONYMOUS, Act.CONFIDENTIAL, Act.OPEN), taking.go_on_with_secrecy),
    # looking a ticket up, rating it
    Row(_at(Stage.TAIL), _does(Act.TICKET_NO), cases.look_up),
    Row(_at(Stage.TAIL), _does(Act.TAIL), cases.tail),
    Row(ANYWHERE - URGENT, _does(Act.TICKET_NO), cases.look_up),
    Row(_at(Stage.SOLVED), _does(Act.SOLVED, Act.YES, Act.NO, Act.WORDS), cases.solved),
    Row(_at(Stage.SATISFACTION), _does(Act.SATISFIED, Act.YES, Act.WORDS), cases.satisfied),
    # did the answer help?
    Row(_at(Stage.ANSWERED), _does(Act.HELPED, Act.YES, Act.THANK, Act.PART), talk.helped),
    Row(_at(Stage.ANSWERED), _does(Act.ASK_DESK, Act.NO), taking.ask_desk),
    # what may begin at any time
    Row(ANYWHERE, _does(Act.REPORT), taking.begin),
    Row(FREE, _does(Act.ASK), taking.begin_question),
    Row(ANYWHERE, _does(Act.GREET), talk.greet),
    Row(ANYWHERE, _does(Act.ABILITIES), talk.abilities),
    Row(ANYWHERE, _does(Act.THANK), talk.thank),
    Row(ANYWHERE, _does(Act.PART), talk.part),
    Row(FREE, _does(Act.URGE), cases.urge),
    Row(FREE | LOOKING, _does(Act.STATUS), cases.ask_which),
    Row(FREE, _does(Act.LOOK_AGAIN), cases.look_again),
    Row(FREE, _does(Act.RATE), cases.rate),
    Row(FREE, _does(Act.ADD), cases.add),
    Row(ANYWHERE, _does(Act.QUESTION), talk.answer),
    # an answer in words to what was asked
    Row(_at(Stage.PLACE), _does(Act.WORDS), taking.place),
    Row(_at(Stage.PHOTO, Stage.PHONE, Stage.CONFIRM, Stage.REFER), _does(Act.TELLS, Act.ADD), taking.add),
    Row(_at(Stage.SINCE), _does(Act.WORDS), taking.since),
    Row(_at(Stage.PHONE), _does(Act.WORDS), taking.wrong_phone),
    Row(_at(Stage.CONFIRM, Stage.PHOTO), _does(Act.WORDS), taking.add),
    Row(_at(Stage.TICKET_NO), _does(Act.WORDS), cases.look_up),
    Row(_at(Stage.TAIL), _does(Act.WORDS), cases.no_tail),
    # a matter is told
    Row(FREE | _at(Stage.MATTER), _does(Act.VAGUE), taking.take_vague),
    Row(FREE | _at(Stage.MATTER), _does(Act.WORDS), taking.take),
    Row(_at(Stage.MATTER), _does(Act.PHOTOS, Act.POINT), taking.go_on),
    Row(FREE, _does(Act.PHOTOS, Act.POINT), cases.picture),
    Row(FREE, _does(Act.PHONE), taking.begin),
    Row(DRAFTING, _does(Act.PHONE, Act.PHOTOS, Act.POINT), taking.number_kept),
    Row(ANYWHERE, _does(Act.NOTHING, Act.SIGNS), talk.unclear),
    Row(ANYWHERE, frozenset(Act), talk.not_understood),
)


def row_for(stage: Stage, heard: Heard) -> Row:
    """The row that counts. There is always one: the last fits everything."""
    return next(row for row in TABLE if stage in row.stages and row.acts & heard.acts)
