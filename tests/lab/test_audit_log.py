"""What tests read of an API server's audit log."""

import json
from pathlib import Path

from support import audit


def test_who_was_not_recognised_has_no_name_and_a_half_written_line_is_none(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    refused = {"verb": "get", "requestURI": "/api/v1/nodes", "user": {}, "responseStatus": {"code": 401}}
    log.write_text(json.dumps(refused) + '\n{"verb": "get", "req')
    (found,) = audit.requests(log)
    assert (found.user, found.code) == ("", 401)
