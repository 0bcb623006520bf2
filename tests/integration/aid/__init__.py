# SPDX-License-Identifier: Apache-2.0
"""Helpers and stand-ins of the tests; none of them is a test."""
