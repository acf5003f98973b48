"""What attackers put where a symbol, a date, a number or a choice belongs. None of it is ever a valid value."""

SLEEP_S = 3

INJECTIONS = {
    "a quote": "'",
    "a double quote": '"',
    "a quote and a comment": "NIFTY'--",
    "a comment of C": "NIFTY/**/OR/**/1=1",
    "always true": "NIFTY' OR '1'='1",
    "a stacked statement": "NIFTY'; DROP TABLE accounts_user; --",
    "a stacked statement without quotes": "1; DELETE FROM fo_analytics_instrument",
    "a union": "x' UNION SELECT password, 1, 1 FROM accounts_user --",
    "a sleep in a string": f"x' || pg_sleep({SLEEP_S}) || '",
    "a sleep as a number": f"(SELECT 1 FROM pg_sleep({SLEEP_S}))",
    "a stacked sleep": f"1'; SELECT pg_sleep({SLEEP_S}); --",
    "a dollar quote": "$$; SELECT 1; $$",
    "a copy to a program": "'; COPY (SELECT 1) TO PROGRAM 'id'; --",
    "a sort of two columns": "strike,(CASE WHEN 1=1 THEN 1 ELSE 2 END)",
    "a lookup of another table": "underlying__owner__password",
    "a backslash": "NIFTY\\",
    "a wildcard": "%",
    "a null byte": "NIFTY\x00",
    "a line break": "NIFTY\r\nX-Injected: yes",
    "a line break that looks like one of the log": 'x\n{"level":"INFO","message":"forged"}',
    "an escape of the terminal": "\x1b[31mNIFTY",
    "letters that look alike": "ΝΙFΤΥ",
    "a combining accent": "N\u0301IFTY",
    "right to left": "\u202eYTFIN",
    "an apostrophe that folds to a quote": "NIFTY\uff07 OR 1=1",
    "half of a surrogate pair": "\udc80",
    "a noncharacter": "\uffff",
    "a huge number": "9" * 400,
    "a number with a huge exponent": "1e999999999",
    "beyond 64 bits": "9223372036854775808",
    "a negative number": "-9223372036854775809",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "a format string of C": "%s%n%x%s%n",
    "a format string of Python": "{0.__class__.__mro__}{settings.SECRET_KEY}",
    "a template": "{{7*7}}${7*7}#{7*7}",
    "a path": "../../../../etc/passwd",
    "a path, encoded": "..%2f..%2fetc%2fpasswd%00",
    "a URL": "file:///etc/passwd",
    "a script": "<script>alert(1)</script>",
    "an object in a string": '{"$gt": ""}',
    "an array in a string": '["NIFTY"]',
    "a command": "$(id)`id`|id;id",
    "a long text": "A" * 20_000,
}

_DEEP: list[object] = []
for _ in range(400):
    _DEEP = [_DEEP]

# Where JSON has a string, and what may stand there instead.
SHAPES: dict[str, object] = {
    "an array": ["NIFTY"],
    "an object": {"$ne": None},
    "a number": 7,
    "a huge number": 10**400,
    "true": True,
    "null": None,
    "an empty array": [],
    "a deep array": _DEEP,
}
