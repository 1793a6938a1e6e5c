"""统计报告: 日报、周报、月报 and any period, as a workbook or a notice (通报). Not: how figures are counted (`figures`)."""
