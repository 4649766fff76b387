"""A test case that starts its daemons itself, one or several in each test.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import harness


class Case(harness.Case):
    """One world; the daemons of a test end with it."""

    @classmethod
    def setUpClass(cls):
        cls.furnish()

    def setUp(self):
        self.daemons, self.daemon, self.log_start = [], None, 0

    def tearDown(self):
        for daemon in self.daemons:
            daemon.end()
            self.assertIsNone(daemon.sound())

    def launch(self, extra="", probe=("127.0.0.1", 8891), wait=True, env=None, **settings):
        """A daemon that is killed at the end of the test."""
        daemon = harness.Daemon(harness.configuration(extra, **settings), probe=probe)
        if env:
            daemon.command = ["/usr/bin/env", *env, harness.program(), "-c", daemon.config_path]
        self.daemons.append(daemon)
        self.daemon = self.daemon or daemon
        return daemon.start(wait)
