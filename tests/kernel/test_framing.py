# SPDX-License-Identifier: Apache-2.0
"""What the log says of lines that are no messages (PROTOCOL section 1); the cases say what becomes of them."""

import pytest

from .harness import Rig


@pytest.mark.req("KRN-FRM-10")
def test_a_workers_bad_line_is_logged_by_its_first_bytes_and_counted(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    worker.send(b"oops: this is a stray print")
    bus.wait_log("oops: this is a stray print")
    client.fence(worker)
    client.close()
    worker.exit()
    assert bus.not_routed() == 1
