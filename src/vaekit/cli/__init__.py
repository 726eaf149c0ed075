"""The command line: one verb a file. Importing it imports no torch; a verb does, when it runs."""

from vaekit.cli.app import main as main
