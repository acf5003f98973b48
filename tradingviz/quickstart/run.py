"""One run from the first check to the last process: `make run` and `make dev`, and `make stop`."""

import os
import secrets
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tradingviz.quickstart import environment, preflight
from tradingviz.quickstart.banner import banner
from tradingviz.quickstart.console import Console, last_lines
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.installation import installation
from tradingviz.quickstart.pidfile import MANAGER, PidFile, leftovers
from tradingviz.quickstart.probe import read_health
from tradingviz.quickstart.processes import RUN_MARKER, signal_process, wait_until
from tradingviz.quickstart.reload import SourceWatch
from tradingviz.quickstart.servers import (
    Guard,
    Server,
    embedded_postgres,
    embedded_redis,
    require_database,
    require_redis,
)
from tradingviz.quickstart.state import AlreadyRunning, State, open_state
from tradingviz.quickstart.supervisor import Interrupted, Supervisor
from tradingviz.quickstart.table import Table, process_table
from tradingviz.settings.env import OFF, ROOT

HEALTH_SECONDS = 60.0
PRICES_SECONDS = 20.0
STOP_SECONDS = 120.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for. `recording` None: the simulator's market."""

    recording: Path | None
    speed: str | None
    port: int
    verbose: bool
    develop: bool

    @classmethod
    def read(cls, variables: Mapping[str, str], *, develop: bool) -> "Options":
        """Check REPLAY, SPEED, PORT and VERBOSE. Raises QuickstartError."""
        replay, speed = variables.get("REPLAY"), variables.get("SPEED")
        return cls(
            recording=preflight.recording(replay) if replay else None,
            speed=preflight.speed(speed) if speed else None,
            port=preflight.web_port(variables.get("PORT") or "8081"),
            verbose=variables.get("VERBOSE", "") not in ("", "0"),
            develop=develop,
        )


class StopRequest:
    """Remembers that a signal asked to stop; asking again changes nothing."""

    def __init__(self) -> None:
        self.received = False
        for number in _SIGNALS:
            signal.signal(number, self._remember)

    def __call__(self) -> bool:
        return self.received

    def _remember(self, _number: int, _frame: object) -> None:
        self.received = True


class MakeTable(Protocol):
    """Gives the processes of a run."""

    def __call__(self, *, port: int, state: Path, recording: Path | None, speed: str | None) -> Table: ...


def run(options: Options, folder: Path, make_table: MakeTable = process_table) -> None:
    """Start everything, watch over it until a signal comes, end everything. Raises QuickstartError."""
    state = open_state(folder)
    try:
        with state.lock():
            if leftovers(state.pids).manager is not None:  # somebody removed the lock file
                raise AlreadyRunning
            _Run(options, state, make_table).go()
    except AlreadyRunning as error:
        manager = leftovers(state.pids).manager
        who = f" (pid {manager.pid})" if manager else ""
        raise QuickstartError(f"it is running already{who}: `make stop` ends it") from error


def stop(folder: Path) -> str:
    """End the run of a state folder, or what a killed one left; says what it did. Raises QuickstartError."""
    if not folder.is_dir():
        return "nothing is running"
    state = open_state(folder)
    manager = leftovers(state.pids).manager
    if manager is not None:
        signal_process(manager.pid, signal.SIGTERM)
        if not wait_until(lambda: not manager.alive, seconds=STOP_SECONDS, pause=0.1):
            raise QuickstartError(f"the manager (pid {manager.pid}) does not end within {STOP_SECONDS:.0f} s")
        return "stopped"
    try:
        with state.lock():
            return _clean_up(state)
    except AlreadyRunning as error:
        raise QuickstartError("it is just starting or ending: try again") from error


def _clean_up(state: State) -> str:
    """End what a killed manager left."""
    ended: list[str] = []
    leftovers(state.pids).end(ended.append)
    state.pids.unlink(missing_ok=True)
    state.drop_socket_folder()
    return "\n".join(ended) or "nothing is running"


class _Run:
    def __init__(self, options: Options, state: State, make_table: MakeTable) -> None:
        self._options = options
        self._state = state
        self._table = make_table(
            port=options.port, state=state.folder, recording=options.recording, speed=options.speed
        )
        self._base = f"http://{preflight.LOOPBACK}:{options.port}"
        self._began = time.monotonic()
        self._run_id = secrets.token_hex(8)
        self._console = Console(verbose=options.verbose)
        self._stop_requested = StopRequest()
        self._guards: list[Guard] = []

    def go(self) -> None:
        preflight.require_proc()
        leftovers(self._state.pids).end(self._console.say)
        preflight.require_free_port(self._options.port)
        preflight.require_disk_space(self._state.folder)
        with ExitStack() as endings:
            pids = PidFile(self._state.pids, self._run_id)
            pids.add(MANAGER, os.getpid(), stop_signal=signal.SIGTERM)
            endings.callback(pids.clear)
            try:
                values = self._start_servers(pids, endings)
                self._start_application(pids, values, endings)
            except Interrupted:
                self._console.say("stopping")
        self._console.say("stopped; the data is kept")

    def _start_servers(self, pids: PidFile, endings: ExitStack) -> dict[str, str]:
        """Start the servers which the user has not named; returns the variables of the application."""
        user = environment.user_settings()
        known = environment.read(self._state.environment)
        values = {"DEMO_USER": environment.DEMO_USER} | environment.generated_secrets(known)
        known |= values
        values["DB_NAME"] = environment.database_name(user, replays=self._options.recording is not None)
        if self._options.recording is None:
            values |= environment.simulator_settings(preflight.simulator_port(user.get("SIMULATOR_PORT")))
        if environment.uses_own_database(user):
            del values["DB_PASSWORD"]
            require_database(user, values["DB_NAME"])
        else:
            values |= self._start_postgres(pids, endings, known, values["DB_NAME"])
        if "REDIS_URL" in user:
            require_redis(user["REDIS_URL"])
        else:
            values["REDIS_URL"] = self._start_redis(pids, endings, known, values["DB_NAME"])
        environment.write(self._state.environment, values)
        return self._for_application(user, values)

    def _for_application(self, user: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
        """The user's own settings win, except over where the embedded servers are and which market is played."""
        forced = environment.connection_facts(values)
        counters = user.get("PROMETHEUS_MULTIPROC_DIR") or str(self._state.fresh_counters())
        marks = {
            RUN_MARKER: self._run_id,
            "TRADINGVIZ_STATE": str(self._state.folder),
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": counters,
        }
        # A service of today knows nothing of a recording's prices.
        ticker = {} if self._options.recording is None else {"TICKER_SERVICE_URL": OFF}
        return {**values, **user, **forced, **marks, **ticker}

    def _start_postgres(
        self, pids: PidFile, endings: ExitStack, known: Mapping[str, str], database: str
    ) -> dict[str, str]:
        programs = installation(self._state.folder)
        preflight.require_disk_space(programs.folder)
        self._state.remember(servers=str(programs.folder))
        self._console.say("starting PostgreSQL")
        server = embedded_postgres(self._state, programs, known)
        endings.callback(self._state.drop_socket_folder)
        self._guard("postgres", server, pids, endings)
        server.create_database(database)
        address = {"DB_HOST": str(server.socket_dir), "DB_PORT": str(server.port), "DB_USER": server.user}
        return {**address, "DB_PASSWORD": server.password}

    def _start_redis(self, pids: PidFile, endings: ExitStack, known: Mapping[str, str], database: str) -> str:
        self._console.say("starting Redis")
        server = embedded_redis(self._state, installation(self._state.folder), known, database=database)
        self._guard("redis", server, pids, endings)
        return server.url()

    def _guard(self, name: str, server: Server, pids: PidFile, endings: ExitStack) -> None:
        guard = Guard(name, server, pids, self._console)
        endings.callback(guard.stop)
        guard.start()
        self._guards.append(guard)

    def _start_application(self, pids: PidFile, values: Mapping[str, str], endings: ExitStack) -> None:
        """Prepare, start, show the way in, watch until a signal. Raises QuickstartError, Interrupted."""
        processes = Supervisor(
            pids=pids,
            logs=self._state.logs,
            cwd=ROOT,
            environment=values,
            console=self._console,
            stop_requested=self._stop_requested,
            patient=self._options.develop,
        )
        endings.callback(processes.stop)
        self._console.say("preparing: tables, and the numeric kernels, which are compiled once")
        processes.run_to_end(self._table.preparing)
        self._console.say(f"starting {', '.join(process.name for process in self._table.services)}")
        for process in self._table.services:
            processes.start(process)
        processes.run_to_end(self._table.alongside)
        self._await_health(processes)
        if self._table.feed is not None:
            processes.start(self._table.feed)
        self._await_prices(processes)
        seconds = time.monotonic() - self._began
        self._console.block(banner(base=self._base, values=values, state=self._state.folder, seconds=seconds))
        self._watch(processes)

    def _await_health(self, processes: Supervisor) -> None:
        """Wait until /health says that all is well. Raises QuickstartError with what it says otherwise."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while (trouble := read_health(self._base).trouble) is not None:
            self._tick(processes)
            if time.monotonic() > deadline:
                self._console.block(last_lines(self._state.logs / "web.log"))
                raise QuickstartError(f"it is not healthy after {HEALTH_SECONDS:.0f} s: {trouble}")

    def _await_prices(self, processes: Supervisor) -> None:
        """Wait a little for the first ticks, so that the line which is printed next has an answer."""
        deadline = time.monotonic() + PRICES_SECONDS
        while not read_health(self._base).ticks:
            self._tick(processes)
            if time.monotonic() > deadline:
                self._console.say("no prices have come yet; the logs tell more")
                return

    def _watch(self, processes: Supervisor) -> None:
        source = SourceWatch(ROOT) if self._options.develop else None
        while True:
            self._tick(processes)
            if source is not None and (changed := source.changed()) is not None:
                self._console.say(f"{changed.relative_to(ROOT)} changed: loading the code again")
                processes.reload()

    def _tick(self, processes: Supervisor) -> None:
        for guard in self._guards:
            guard.tick()
        processes.tick()
        processes.pause()
