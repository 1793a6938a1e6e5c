"""The reply check: each finding on invented texts, bounds on any input, and agreement with judged replies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from reply_measurement import MESSAGES, judgements, measure

import nlu
from domain.complaint import Kind
from nlu.replies import CODES, LONGEST, MOST_SPANS, ReplyFinding, Severity, Verdict, check_reply
from nlu.reply_words import READ_CHARACTERS

WORDS = Path(nlu.__file__).with_name("replies.yml")
DOCUMENT = Path(__file__).parents[2] / "docs" / "reply-check.md"

COMPLAINT = "恬庄路夜宵摊油烟扰民。恬庄路12号门口的烧烤摊每天半夜经营，油烟很大，多次反映没有人管，请问什么时候能取缔？"
GOOD = (
    "您好！您反映的烧烤摊油烟问题，我局执法人员于2026年11月3日22时到恬庄路12号现场核查，发现该处两个烧烤摊占道经营，"
    "未安装油烟净化设备。已责令停止占道经营并立案，罚款500元，11月5日复查时已清理到位。11月6日上午已电话联系您告知结果。"
    "如再发现，请拨打我局值班电话0512-12345678。"
)


def findings(
    reply: str, complaint: str = COMPLAINT, kind: Kind = Kind.COMPLAINT, names: tuple[str, ...] = ()
) -> dict[str, ReplyFinding]:
    found = {finding.code: finding for finding in check_reply(complaint, kind, reply, names).findings}
    assert set(found) <= set(CODES)
    return found


def spanned(reply: str, finding: ReplyFinding) -> list[str]:
    return [reply[start:end] for start, end in finding.spans]


def test_a_whole_reply_is_good_and_nothing_is_found() -> None:
    check = check_reply(COMPLAINT, Kind.COMPLAINT, GOOD)
    assert check.findings == ()
    assert check.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    "reply", ["", "   \n", "您好！留言已收悉", "您好！您反映的问题我局高度重视，正在处理，感谢您的支持与监督！"]
)
def test_a_reply_of_phrases_alone_is_empty(reply: str) -> None:
    found = findings(reply)
    assert found["empty"].severity is Severity.SERIOUS
    assert "请写明" in found["empty"].reason
    assert "template" not in found and "no_outcome" not in found


@pytest.mark.parametrize(
    "reply",
    [
        "您好！您反映的问题已转相关部门调查处理。",
        "网友：您反映的情况我们已转交城管大队核实办理，待有结果后再回复您，感谢您的关注。",
    ],
)
def test_a_reply_that_only_forwards_is_told_from_one_that_forwards_and_reports(reply: str) -> None:
    assert spanned(reply, findings(reply)["forwarded_only"])[0].startswith(("已转", "转交"))
    assert "forwarded_only" not in findings(f"{reply}{GOOD}")


def test_sending_the_citizen_elsewhere_is_no_answer() -> None:
    assert "turned_away" in findings("您好！因您未留下联系方式，请您直接拨打城管热线反映，谢谢。")
    assert "turned_away" in findings("请向当地民政部门咨询。", "请问残疾人补贴怎么申请？", Kind.CONSULTATION)


def test_a_template_that_fits_any_ticket_is_told() -> None:
    reply = "接到反映后，下一步我们将进一步完善长效管理机制，积极营造良好的市容环境，努力让广大群众更加满意。"
    assert findings(reply)["template"].severity is Severity.SERIOUS


def test_facts_without_act_result_or_date_lack_an_outcome() -> None:
    reply = (
        "执法人员11月3日到恬庄路12号现场查看，看到门口有两个烧烤摊，油烟较大，旁边住户普遍觉得影响休息，"
        "摊主是外来人员，摆了一年多。"
    )
    assert findings(reply)["no_outcome"].severity is Severity.SERIOUS
    assert "no_outcome" not in findings(reply + "已责令摊主搬离。")


def test_measures_without_result_or_date_ask_for_a_date() -> None:
    reply = (
        "执法人员到恬庄路烧烤摊现场查看，对摊主进行批评教育，劝导其不要在门口摆放桌椅，不要影响楼上住户休息，"
        "并请物业和社区一起做好劝导，请沿街商户互相提醒，同时对旁边几家店铺也逐一上门发放告知书，讲清占道经营的后果，"
        "摊主当场表示愿意配合，会把炉子和桌椅收进店内，并会管好客人不再高声喧哗，不再把油污倒进路边雨水井。"
    )
    assert findings(reply)["no_date"].severity is Severity.ADVICE
    assert "no_date" not in findings(reply + "此项工作12月5日前完成。")


def test_a_denial_needs_grounds() -> None:
    reply = "您好！您反映的油烟扰民问题不存在，该店铺合法经营，设施设备齐全，从业人员身体健康，服务周到，住户反响良好。"
    found = findings(reply)["bare_denial"]
    assert "不存在" in spanned(reply, found)
    assert "bare_denial" not in findings(f"经核查，11月3日、4日两次检测油烟浓度均为1.2毫克。{reply}")


def test_a_refusal_needs_a_basis() -> None:
    refusal = "您好！您申请的占道许可不予支持，因该处人流量大，11月3日我局三人到现场看过，请您另选地点，联系电话0512-12345678。"
    assert findings(refusal)["no_legal_basis"].severity is Severity.ADVICE
    assert "no_legal_basis" not in findings(refusal + "依据为《江苏省城市市容和环境卫生管理条例》第十四条。")


def test_questions_of_a_consultation_are_looked_for_one_by_one() -> None:
    asked = "请问装修垃圾清运怎么收费？请问老年优待证在哪里办理？"
    reply = "装修垃圾清运由物业统一安排，每平方米4元，先向物业登记，清运后付款，有票据。"
    found = findings(reply, asked, Kind.CONSULTATION)["question_unanswered"]
    assert "老年优待证" in found.reason
    assert "装修垃圾" not in found.reason
    both = reply + "老年优待证请带身份证原件和1寸照片到市民中心一楼窗口办理。"
    assert "question_unanswered" not in findings(both, asked, Kind.CONSULTATION)


def test_a_question_for_a_time_wants_a_time() -> None:
    asked = "请问创业路什么时候修好？"
    assert (
        findings(
            "创业路由镇里负责维修，材料已由施工队准备好，两边人行道也会一起重新铺，路口会装上新的井盖。",
            asked,
            Kind.CONSULTATION,
        )["question_unanswered"].severity
        is Severity.SERIOUS
    )
    assert "question_unanswered" not in findings(
        "创业路由镇里负责维修，材料已由施工队准备好，12月20日前修好。", asked, Kind.CONSULTATION
    )


def test_a_matter_that_was_counted_up_and_left_out_is_named() -> None:
    complaint = "反映几个问题。1、河边垃圾堆积没人清运。2、路灯不亮晚上看不见。3、广场舞音响太大。"
    reply = "河边垃圾已于11月3日清运完毕，共清理2车；广场舞音响已劝导，现场测得52分贝。"
    reason = findings(reply, complaint)["matter_untouched"].reason
    assert "路灯" in reason
    assert "垃圾" not in reason and "广场舞" not in reason


def test_contact_and_telephone_are_asked_for() -> None:
    bare = GOOD.partition("11月6日")[0]
    assert {"no_contact", "no_phone"} <= set(findings(bare))
    undated = findings(
        "已电话联系您说明情况，问题属实，已责令整改并要求恢复原状，店主承诺不再占用人行道，社区会继续留意，请放心。"
    )
    assert undated["no_contact"].reason.startswith("写了与市民联系")


def test_solved_and_not_yet_solved_contradict() -> None:
    reply = GOOD + "综上，您反映的问题已得到解决。另外，油烟净化设备尚未安装。"
    assert spanned(reply, findings(reply)["contradiction"]) == ["已得到解决", "尚未"]


def test_disrespect_is_serious() -> None:
    reply = GOOD + "希望您不要信谣传谣，无理取闹。"
    assert spanned(reply, findings(reply)["disrespect"]) == ["不要信谣传谣", "无理取闹"]


def test_length_is_advice_only() -> None:
    assert "too_short" in findings("已于11月3日清理，罚款500元。")
    long = check_reply(COMPLAINT, Kind.COMPLAINT, GOOD + "查看了摊位。" * (LONGEST // 6))
    assert [finding.code for finding in long.findings] == ["too_long"]
    assert long.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("added", "code", "text"),
    [
        ("当事人身份证号11010119900101001X已登记。", "leak_identity", "11010119900101001X"),
        ("退款已转入6222000000000000000。", "leak_bank_card", "6222000000000000000"),
        ("已与您的手机13800000000联系。", "leak_phone", "13800000000"),
        ("投诉人电话：0512-87654321。", "leak_phone", "0512-87654321"),
        ("摊主可拨13900000000。", "leak_phone", "13900000000"),
        ("占道车辆为苏E00A00。", "leak_plate", "苏E00A00"),
        ("经查，户主王小明未办手续。", "leak_person", "王小明"),
        ("业主赵小红、钱小兵到场。", "leak_person", "赵小红"),
        ("张三三，男，本村人。", "leak_person", "张三三"),
        ("与李四四沟通后同意搬离。", "leak_person", "李四四"),
        ("另一侧为周五五等四户农户。", "leak_person", "周五五"),
        ("摊主患抑郁症，请谅解。", "leak_private_life", "患抑郁"),
    ],
)
def test_personal_data_is_found_where_it_stands(added: str, code: str, text: str) -> None:
    reply = GOOD + added
    found = findings(reply)[code]
    assert found.severity is Severity.SERIOUS
    assert text in spanned(reply, found)


@pytest.mark.parametrize(
    "added",
    [
        "联系人：王小明，值班电话13800000000。",
        "请致电城管大队0512-87654321。",
        "（咨询热线12345，或0512-87654321）",
        "工作人员李四四已到场。",
        "凤凰镇党委书记王小明作出批示。",
        "案号FH202611-00012，日期20261103。",
        "尾号12的车辆已驶离。",
        "居民反映良好，业主委员会已知晓，村民代表到场。",
        "户主王某已搬离。",
        "对路灯进行维修，对杨树进行修剪，与物业进行沟通。",
    ],
)
def test_what_offices_publish_and_what_is_no_name_may_stand(added: str) -> None:
    assert [code for code in findings(GOOD + added) if code.startswith("leak")] == []


def test_the_reporter_must_not_be_named() -> None:
    reply = GOOD + "诉求人王小明表示满意。"
    assert spanned(reply, findings(reply, names=("王小明", "", "张"))["leak_reporter"]) == ["王小明"]
    assert "leak_reporter" in findings(reply, complaint=COMPLAINT + "举报人：王小明")
    assert "leak_person" not in findings(reply, names=("王小明",))


def test_a_mobile_number_of_the_complaint_is_the_citizens_whatever_stands_before_it() -> None:
    reply = GOOD + "值班电话13800000000。"
    assert "leak_phone" not in findings(reply)
    assert "leak_phone" in findings(reply, complaint=COMPLAINT + "我的号码13800000000")


def test_repeating_the_complaint_is_not_answering_it() -> None:
    assert check_reply(COMPLAINT, Kind.COMPLAINT, f"您好！您反映的“{COMPLAINT}”已收悉。").findings[0].code == "empty"


def test_serious_findings_come_first_and_decide() -> None:
    check = check_reply(COMPLAINT, Kind.COMPLAINT, "已清理。摊主户主王小明。")
    order = [finding.severity for finding in check.findings]
    assert order == sorted(order, key=lambda severity: severity is Severity.ADVICE)
    assert Severity.SERIOUS in order and Severity.ADVICE in order
    assert check.verdict is Verdict.MEND


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200) | st.sampled_from([COMPLAINT, "请问？" * 60]),
    st.text(st.characters(exclude_categories=[]), max_size=400)
    | st.lists(st.sampled_from(list("已转王小明电话1380，。《》…第条年月？ \n"))).map("".join),
    st.sampled_from(Kind),
)
def test_any_strings_are_taken_and_spans_lie_inside_the_reply(complaint: str, reply: str, kind: Kind) -> None:
    check = check_reply(complaint, kind, reply, [reply[:2]])
    codes = [finding.code for finding in check.findings]
    assert len(set(codes)) == len(codes)
    for finding in check.findings:
        assert len(finding.spans) <= MOST_SPANS
        assert all(0 <= start < end <= len(reply) for start, end in finding.spans)


@pytest.mark.parametrize(
    "piece", ["王", "业主王明、", "1", "2026年1月1日", " ", "《", "\ud800", "请问已转感谢您的", "😀"]
)
def test_of_a_very_long_text_only_the_beginning_is_read(piece: str) -> None:
    long = piece * (3 * READ_CHARACTERS // len(piece))
    read = check_reply(long[:READ_CHARACTERS], Kind.HELP, long[:READ_CHARACTERS])
    assert check_reply(long, Kind.HELP, long) == read


def test_the_word_lists_have_no_word_twice_and_every_list_is_used() -> None:
    lists = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    code = "".join(path.read_text(encoding="utf-8") for path in WORDS.parent.glob("repl*.py"))
    for name, words in lists.items():
        assert len(set(words)) == len(words), name
        assert all(isinstance(word, str) and word for word in words), name
        assert f'"{name}"' in code, name


def test_every_code_is_documented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)) == set(CODES)


def test_at_least_220_replies_were_judged_and_a_third_of_them_held_out() -> None:
    rows = judgements()
    assert len(rows) >= 220
    assert len({row["row"] for row in rows}) == len(rows)
    assert 0.3 < len(judgements("held")) / len(rows) < 0.36


@pytest.mark.skipif(not MESSAGES.is_file(), reason="shared/data is not beside the project: no judged replies to read")
def test_agreement_with_a_persons_judgement_stays_above_the_floors() -> None:
    held = measure("held")
    floors = {"verdict": 0.72, "empty": 0.82, "facts": 0.78, "outcome": 0.74, "answers": 0.68, "no_answer_at_all": 0.70}
    assert {question: held[question].f1 for question, floor in floors.items() if held[question].f1 < floor} == {}
    assert held["verdict"].precision >= 0.70
    assert held["verdict"].kappa >= 0.60
    leaks = measure()["leak"]  # too few in the held-out part alone
    assert leaks.precision >= 0.80
    assert leaks.recall >= 0.75
