"""The table of IMS calls, through `alibabacloud_ims20190815` (ACS3-HMAC-SHA256) and through our own command line."""

import re

import pytest

import calls
import ours
import tea

IMS = calls.Table("ims")
LIBRARIES = {"tea": tea.caller, "ours": ours.caller}


@pytest.mark.parametrize("scenario", IMS.scenarios, ids=lambda scenario: re.sub(r"\W+", "-", scenario["about"]))
@pytest.mark.parametrize("library", LIBRARIES)
def test_calls(ready, library, scenario):
    calls.Play(ready, IMS, scenario, LIBRARIES[library](ready, "ims")).run()


def test_the_claims(ready):
    """What the reference page says is offered was called above; what it says is not answers that it is not there."""
    assert IMS.operations() == calls.claims(IMS.version)
    calls.not_there(ready, IMS)
