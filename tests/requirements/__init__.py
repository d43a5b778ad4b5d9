# SPDX-License-Identifier: Apache-2.0
"""Which test states which requirement of PROTOCOL: the kernel's sections 1 to 11, the client's 12 and 13."""
