import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from config.replay import ReplayError, replay_advance, replay_target
from signals import selectors as signal_selectors
from signals import services as signal_services

POLL_SECONDS = 1.0


class Command(BaseCommand):
    help = "Advance the market clock by some days, running every tick of the timetable on the way in order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, required=True, help="How many market days to advance.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            target = replay_target(options["days"])
        except ReplayError as error:
            raise CommandError(str(error)) from error
        signal_services.replay_until_set(target)
        with tqdm(total=options["days"], unit="day", desc="replay") as bar:

            def day_done(day: date) -> None:
                bar.set_postfix_str(day.isoformat())
                bar.update(1)

            try:
                while not replay_advance(target, day_done):
                    # A worker walks the same clock to the same day: watch it, and take over if it dies.
                    time.sleep(POLL_SECONDS)
            except ReplayError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"The market clock stands at the close of {signal_selectors.last_closed_day()}.")
