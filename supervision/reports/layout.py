"""The look of an official notice (GB/T 9704: red head, number, title, text, signature) on an A4 page, and its fixed bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime

import docx
from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

RED = RGBColor(0xE6, 0x00, 0x12)
BLACK = RGBColor(0, 0, 0)
TITLE_FONT = "方正小标宋简体"
TEXT_FONT = "仿宋"
HEADING_FONT = "黑体"
TABLE_FONT = "宋体"

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class NoticePage:
    """A notice being laid out. Fonts are named, not embedded: a machine without one shows its own in place of it."""

    def __init__(self) -> None:
        self.document: Document = docx.Document()
        section = self.document.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.top_margin, section.bottom_margin = Cm(3.7), Cm(3.5)
        section.left_margin, section.right_margin = Cm(2.8), Cm(2.6)
        _number_pages(section.footer.paragraphs[0])

    def head(self, issuer: str, number: str) -> None:
        """红头: who issues, in red; below it the number and a red line."""
        self._line(f"{issuer}文件", TITLE_FONT, 36 if len(issuer) <= 10 else 30, color=RED, centred=True, spacing=None)
        under = self._line(number, TEXT_FONT, 16, centred=True, spacing=None)
        border = parse_xml(
            f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="18" w:space="12" w:color="E60012"/></w:pBdr>'
        )
        properties = under._p.get_or_add_pPr()
        properties.insert_element_before(border, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")

    def title(self, text: str) -> None:
        self._line("", TEXT_FONT, 16)
        self._line(text, TITLE_FONT, 22, centred=True, spacing=None)
        self._line("", TEXT_FONT, 16)

    def addressees(self, text: str) -> None:
        self._line(f"{text}：", TEXT_FONT, 16)

    def heading(self, text: str) -> None:
        self._line(text, HEADING_FONT, 16, indented=True, kept=True)

    def text(self, text: str) -> None:
        self._line(text, TEXT_FONT, 16, indented=True)

    def small(self, text: str) -> None:
        """A remark below a table."""
        self._line(text, TABLE_FONT, 10.5, spacing=None)

    def room(self) -> Paragraph:
        """An empty centred line for a chart."""
        paragraph = self.document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        return paragraph

    def table(self, caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table under its caption; the headings come again on every page, and no row is cut by the end of one."""
        self._line(caption, HEADING_FONT, 12, centred=True, spacing=None, kept=True)
        table = self.document.add_table(rows=1 + len(rows), cols=len(headings), style="Table Grid")
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        for number, (row, texts) in enumerate(zip(table.rows, (headings, *rows), strict=True)):
            row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            for cell, text in zip(row.cells, texts, strict=True):
                paragraph = cell.paragraphs[0]
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                paragraph.paragraph_format.keep_with_next = number == 0
                _written(paragraph, text, HEADING_FONT if number == 0 else TABLE_FONT, 9)
        repeated = OxmlElement("w:tblHeader")
        table.rows[0]._tr.get_or_add_trPr().append(repeated)

    def signature(self, issuer: str, day: str) -> None:
        self._line("", TEXT_FONT, 16)
        for text in (issuer, day):
            line = self._line(text, TEXT_FONT, 16)
            line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            line.paragraph_format.right_indent = Pt(64)

    def file(self, title: str, author: str, moment: datetime) -> bytes:
        """The file, dated `moment`; the same notice gives the same bytes."""
        properties = self.document.core_properties
        properties.title, properties.author, properties.last_modified_by = title, author, author
        properties.comments, properties.revision, properties.language = "", 1, "zh-CN"
        properties.created = properties.modified = moment.replace(tzinfo=None)
        buffer = io.BytesIO()
        self.document.save(buffer)
        return _with_fixed_times(buffer)

    def _line(
        self,
        text: str,
        font: str,
        size: float,
        *,
        color: RGBColor = BLACK,
        centred: bool = False,
        indented: bool = False,
        kept: bool = False,
        spacing: float | None = 28,
    ) -> Paragraph:
        """A paragraph. `spacing`: the fixed distance of lines in points. `kept`: on one page with what follows."""
        paragraph = self.document.add_paragraph()
        form = paragraph.paragraph_format
        form.space_before = form.space_after = Pt(0)
        if spacing is not None:
            form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(spacing)
        if centred:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if indented:
            form.first_line_indent = Pt(size * 2)
        form.keep_with_next = kept
        _written(paragraph, text, font, size, color)
        return paragraph


def _written(paragraph: Paragraph, text: str, font: str, size: float, color: RGBColor = BLACK) -> Run:
    run = paragraph.add_run(text)
    run.font.size, run.font.color.rgb, run.font.name = Pt(size), color, font
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    return run


def _number_pages(footer: Paragraph) -> None:
    """— 1 —, centred."""
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _written(footer, "— ", TABLE_FONT, 14)
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    shown = _written(footer, "1", TABLE_FONT, 14)  # until the program that opens it counts the pages
    field.append(shown._r)
    footer._p.append(field)
    _written(footer, " —", TABLE_FONT, 14)


def _with_fixed_times(written: io.BytesIO) -> bytes:
    """The same archive with every member dated alike."""
    again = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, _FIXED_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0  # the same on every kind of machine
            new.writestr(member, old.read(name))
    return again.getvalue()
