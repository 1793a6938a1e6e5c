"""The status machine, row by row, against a table written independently of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import CITY, CONSTRUCTION, ENTERPRISE, MONDAY, OPERATOR, act, case, member, ticket
from town import ILLEGAL_BUILDING as BUILDING

from domain.actions import DETAILS
from domain.lifecycle import RULES, Action, Forbidden, Incomplete, NotAllowed, addressed, allowed_actions, permit
from domain.people import Actor, Role
from domain.ticket import Status, Ticket

UNIT_STATUSES = ("dispatched", "accepted", "returned", "extended", "suspending", "suspended")

WHO_MAY = """
    triage      operator supervisor administrator : transfer close urge reclassify merge
    triage      supervisor administrator          : press
    dispatched  brigade administrator             : accept return
    dispatched  operator supervisor administrator : urge reclassify merge
    dispatched  operator supervisor administrator brigade : transfer
    dispatched  supervisor administrator          : press
    accepted    brigade administrator             : contact return extend suspend resolve
    accepted    operator supervisor administrator : urge reclassify merge
    accepted    operator supervisor administrator brigade : transfer
    accepted    supervisor administrator          : press
    returned    operator supervisor administrator : urge reclassify merge
    returned    operator supervisor administrator brigade : transfer
    returned    supervisor administrator          : press
    extended    brigade administrator             : contact resolve
    extended    supervisor administrator          : extend press
    extended    operator supervisor administrator : urge reclassify merge
    extended    operator supervisor administrator brigade : transfer
    suspending  brigade administrator             : contact resolve
    suspending  supervisor administrator          : suspend press
    suspending  operator supervisor administrator : urge reclassify merge
    suspending  operator supervisor administrator brigade : transfer
    suspended   brigade supervisor administrator  : resume
    suspended   supervisor administrator          : press
    suspended   operator supervisor administrator : urge reclassify merge
    suspended   operator supervisor administrator brigade : transfer
    resolved    operator supervisor administrator : follow-up close
    followed_up operator supervisor administrator : close
    transferred operator supervisor administrator : transfer close urge reclassify
    triage      citizen                           : urge
    dispatched  citizen                           : urge
    accepted    citizen                           : urge
    returned    citizen                           : urge
    extended    citizen                           : urge
    suspending  citizen                           : urge
    suspended   citizen                           : urge
    transferred citizen                           : urge
    resolved    citizen                           : follow-up
    triage      channel                           : urge
    dispatched  channel                           : urge
    accepted    channel                           : urge
    returned    channel                           : urge
    extended    channel                           : urge extend
    suspending  channel                           : urge
    suspended   channel                           : urge
    transferred channel                           : urge close
    resolved    channel                           : follow-up close
    followed_up channel                           : close
    closed      -                                 : -
    merged      -                                 : -
    rejected    -                                 : -
"""


def expected() -> dict[tuple[Status, Role], set[Action]]:
    """The table above: (status, role) → actions."""
    found: dict[tuple[Status, Role], set[Action]] = {(status, role): set() for status in Status for role in Role}
    for line in WHO_MAY.strip().splitlines():
        head, actions = line.split(":")
        status, *roles = head.split()
        for role in roles:
            if role != "-":
                found[Status(status), Role(role)] |= {Action(one) for one in actions.split()}
    return found


EXPECTED = expected()


def standing(status: Status) -> Ticket:
    """A ticket, and the lead's share of it, in a status."""
    fresh = ticket()
    if status.value in {*UNIT_STATUSES, "resolved", "followed_up", "closed"}:
        share = status if status.value in UNIT_STATUSES else Status.RESOLVED
        shares = tuple(replace(one, status=share) for one in fresh.assignments)
        return replace(fresh, status=status, assignments=shares)
    ended = tuple(replace(one, ended_at=MONDAY) for one in fresh.assignments)
    return replace(fresh, status=status, assignments=() if status is Status.TRIAGE else ended)


def actor(role: Role) -> Actor:
    return member() if role is Role.BRIGADE else Actor("x", role)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("role", Role)
def test_what_each_role_may_do_from_each_status(status: Status, role: Role) -> None:
    there, who = standing(status), actor(role)
    assert set(allowed_actions(there, who)) == EXPECTED[status, role]
    for action in Action:
        if action in EXPECTED[status, role]:
            rule, _ = permit(there, action, who, None)
            assert rule.action is action
            assert role in rule.roles
        else:
            with pytest.raises((NotAllowed, Forbidden)):
                permit(there, action, who, None)


def test_the_table_names_every_action_and_its_body() -> None:
    assert {rule.action for rule in RULES} == set(Action) == set(DETAILS)


def test_what_must_accompany_an_action_is_a_field_of_its_body() -> None:
    for rule in RULES:
        for field in rule.needs:
            assert hasattr(DETAILS[rule.action](), field)


def test_a_refusal_says_what_is_allowed_instead() -> None:
    with pytest.raises(NotAllowed) as refused:
        permit(standing(Status.DISPATCHED), Action.RESOLVE, member(), None)
    assert refused.value.allowed == (Action.ACCEPT, Action.RETURN, Action.TRANSFER)
    assert "目前“待签收”，不能办结；现在可以：签收、退单、转办" in str(refused.value)


def test_a_role_that_never_may_is_told_who_may() -> None:
    with pytest.raises(Forbidden, match="“签收”只能由大队队员、管理员操作，您的身份是坐席"):
        permit(standing(Status.DISPATCHED), Action.ACCEPT, OPERATOR, None)


def test_a_finished_ticket_takes_no_action_of_a_unit() -> None:
    with pytest.raises(NotAllowed, match="目前“已结案”"):
        permit(standing(Status.CLOSED), Action.CONTACT, member(), None)


def test_another_units_member_may_nothing() -> None:
    there = standing(Status.ACCEPTED)
    assert allowed_actions(there, member(ENTERPRISE)) == ()
    with pytest.raises(Forbidden, match="没有派给您所在的大队"):
        permit(there, Action.RESOLVE, member(ENTERPRISE), None)


def test_a_member_without_a_unit_may_nothing() -> None:
    with pytest.raises(Forbidden, match="没有派给您所在的大队"):
        permit(standing(Status.ACCEPTED), Action.RESOLVE, Actor("x", Role.BRIGADE, None), None)


def test_the_share_concerned_is_the_named_one_else_ones_own_else_the_leads() -> None:
    joint = ticket(case(BUILDING))
    assert [one.unit for one in joint.assignments] == [CONSTRUCTION, CITY]
    assert addressed(joint, OPERATOR, None) == joint.assignments[0]
    assert addressed(joint, OPERATOR, 2) == joint.assignments[1]
    assert addressed(joint, member(CITY), None) == joint.assignments[1]
    with pytest.raises(Incomplete, match="没有在办的第 7 号派单；在办的派单序号：1、2"):
        addressed(joint, OPERATOR, 7)


def test_a_member_cannot_act_on_the_share_of_another_unit_by_naming_it() -> None:
    joint = ticket(case(BUILDING))
    with pytest.raises(Forbidden):
        act(joint, Action.ACCEPT, member(CITY), assignment=1)


def test_a_helpers_status_is_its_own() -> None:
    joint = act(ticket(case(BUILDING)), Action.ACCEPT, member(CITY))
    assert [one.status for one in joint.assignments] == [Status.DISPATCHED, Status.ACCEPTED]
    assert joint.status is Status.DISPATCHED
    assert Action.RESOLVE in allowed_actions(joint, member(CITY))
    assert Action.RESOLVE not in allowed_actions(joint, member(CONSTRUCTION))
