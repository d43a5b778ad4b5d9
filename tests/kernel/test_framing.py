# SPDX-License-Identifier: Apache-2.0
"""What becomes of lines that are no messages (PROTOCOL section 1), as far as no case says it."""

import pytest

from .harness import Rig, kernel_error, request


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


@pytest.mark.req("KRN-FRM-10")
def test_a_broken_response_shows_its_id_also_after_the_fault(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    worker.recv()
    worker.send(b'{"result":nope,"id":1}')
    assert client.recv() == kernel_error(1, "invalid_response")
