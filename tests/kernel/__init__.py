# SPDX-License-Identifier: Apache-2.0
"""Black-box tests of the kernel: PROTOCOL sections 1 to 11, both ends in the hands of the test."""
