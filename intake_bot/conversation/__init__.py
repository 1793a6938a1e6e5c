"""The conversation with citizens: the same for the web page and for WeChat. `table` shows how it goes.

`signals`, `hearing` and `questions` listen; `table` chooses; `taking`, `care`, `cases` and `talk` are its steps;
`asking` asks for what is missing; `doing` acts and `telling` says what came of it; `dialogue` keeps it in the database
and is, with `turns`, what pages and channels use.
"""
