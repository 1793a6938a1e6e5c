"""Native charts for .docx files: Word and WPS draw them with their own fonts, so that no picture or font is needed here.

python-docx has no charts; this adds the chart part and, for people who edit it, the small workbook behind it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
from docx.document import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Cm
from docx.text.paragraph import Paragraph

from domain.worktime import local

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WIDTH, HEIGHT = Cm(15), Cm(8)
_DATA = "rId1"
"""By which a chart names the workbook behind it."""


def add_bar_chart(
    document: Document,
    paragraph: Paragraph,
    number: int,
    title: str,
    series: str,
    values: Sequence[tuple[str, float]],
    created: datetime,
) -> None:
    """Put a column chart of one series into a paragraph. `number` counts the document's charts from 1.

    `created` stands in the properties of the workbook behind it."""
    package = document.part.package
    assert package is not None
    chart = Part(
        PackURI(f"/word/charts/chart{number}.xml"),
        CONTENT_TYPE.DML_CHART,
        _chart_xml(title, series, values).encode(),
        package,
    )
    book = Part(
        PackURI(f"/word/embeddings/chart{number}.xlsx"),
        CONTENT_TYPE.SML_SHEET,
        _workbook(series, values, created),
        package,
    )
    data = chart.relate_to(book, RELATIONSHIP_TYPE.PACKAGE)
    assert data == _DATA, "the first relation of a part"
    drawn = document.part.relate_to(chart, RELATIONSHIP_TYPE.CHART)
    paragraph.add_run()._r.append(parse_xml(_drawing_xml(number, title, drawn)))


def _workbook(series: str, values: Sequence[tuple[str, float]], created: datetime) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": local(created).replace(tzinfo=None)})
    sheet = book.add_worksheet("Sheet1")
    sheet.write_string(0, 1, series)
    for row, (name, value) in enumerate(values, start=1):
        sheet.write_string(row, 0, name)
        sheet.write_number(row, 1, value)
    book.close()
    return buffer.getvalue()


def _chart_xml(title: str, series: str, values: Sequence[tuple[str, float]]) -> str:
    last = len(values) + 1
    names = "".join(f'<c:pt idx="{i}"><c:v>{escape(name)}</c:v></c:pt>' for i, (name, _) in enumerate(values))
    numbers = "".join(f'<c:pt idx="{i}"><c:v>{value:g}</c:v></c:pt>' for i, (_, value) in enumerate(values))
    count = f'<c:ptCount val="{len(values)}"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<c:chartSpace xmlns:c="{_DRAWING}/chart" xmlns:a="{_DRAWING}/main" xmlns:r="{_OFFICE}">'
        '<c:roundedCorners val="0"/><c:chart>'
        f'<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="0"/></a:pPr>'
        f'<a:r><a:rPr lang="zh-CN" sz="1200" b="0"/><a:t>{escape(title)}</a:t></a:r></a:p></c:rich></c:tx>'
        '<c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>'
        '<c:ser><c:idx val="0"/><c:order val="0"/>'
        f'<c:tx><c:strRef><c:f>Sheet1!$B$1</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>{escape(series)}'
        "</c:v></c:pt></c:strCache></c:strRef></c:tx>"
        '<c:spPr><a:solidFill><a:srgbClr val="4472C4"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>'
        '<c:dLbls><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/>'
        '<c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
        f"<c:cat><c:strRef><c:f>Sheet1!$A$2:$A${last}</c:f><c:strCache>{count}{names}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>Sheet1!$B$2:$B${last}</c:f><c:numCache><c:formatCode>General</c:formatCode>"
        f"{count}{numbers}</c:numCache></c:numRef></c:val></c:ser>"
        '<c:gapWidth val="80"/><c:axId val="111111111"/><c:axId val="222222222"/></c:barChart>'
        '<c:catAx><c:axId val="111111111"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/><c:crossAx val="222222222"/><c:crosses val="autoZero"/>'
        '</c:catAx><c:valAx><c:axId val="222222222"/><c:scaling><c:orientation val="minMax"/><c:min val="0"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        '<c:crossAx val="111111111"/><c:crosses val="autoZero"/></c:valAx></c:plotArea>'
        f'<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart><c:externalData r:id="{_DATA}">'
        '<c:autoUpdate val="0"/></c:externalData></c:chartSpace>'
    )


def _drawing_xml(number: int, title: str, relation: str) -> str:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return (
        f'<w:drawing xmlns:w="{word}" xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:a="{_DRAWING}/main">'
        '<wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{int(WIDTH)}" cy="{int(HEIGHT)}"/><wp:docPr id="{1000 + number}" name="图{number}" '
        f"descr={quoteattr(title)}/><wp:cNvGraphicFramePr/>"
        f'<a:graphic><a:graphicData uri="{_DRAWING}/chart">'
        f'<c:chart xmlns:c="{_DRAWING}/chart" xmlns:r="{_OFFICE}" r:id="{relation}"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )
