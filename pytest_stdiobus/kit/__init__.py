"""The judge: drives a target, records what happened, and judges the record. It knows no pytest and no bus of ours."""
