"""Keeps the actual record of a simulated camera: what really happened to it, for the checkers."""

import math

from lapel.clock import iso
from lapel.hardware.interfaces import Edge
from lapel.indications import Light
from lapel.link.messages import Command, EventMessage, Reply
from lapel.policy.profile import Declarable, TriggerSource
from lapel.states import State
from lapel_fleet.cameras.button_intent import ButtonModel
from lapel_fleet.checkers.records import Activation, ActualRecord, Declared, Resource
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.time.simulated_clock import SimulatedClock


class ActualRecorder:
    """Writes into `record` what happens to one camera. Its methods are called when it happens."""

    __slots__ = ("_buttons", "_clock", "_may_have_risen", "_sound", "_start_requested_s", "record")

    def __init__(self, record: ActualRecord, clock: SimulatedClock) -> None:
        self.record = record
        self._clock = clock
        self._may_have_risen = False
        self._sound: frozenset[bool] = frozenset()
        self.on_start()

    # -- firmware and network ------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """The firmware starts: it knows nothing of button presses before."""
        self._buttons, self._start_requested_s = ButtonModel(), -math.inf

    def on_state(self, state: State) -> None:
        """The indicators show a state."""
        states = self.record.states
        if states and states[-1][1] == State.RECORDING and state is not State.RECORDING:
            self.add_due_holds()
            self._buttons.end_recording()
        if not states or states[-1][1] != state.value:
            states.append((self._clock.mono_s(), state.value))

    def on_light(self, light: Light) -> None:
        """The indicators show a light."""
        self.record.lights.append((self._clock.mono_s(), light))

    def on_command(self, command: Command) -> None:
        """A command arrived. The first arrival of each id counts."""
        now_s = self._clock.mono_s()
        if self.record.command_arrivals_s.setdefault(command.id, now_s) == now_s and command.command == "declare":
            self.on_declared(command.declared, "dispatcher", command.for_s)

    def on_declared(self, what: Declarable | None, by: str, for_s: float | None) -> None:
        """Something was declared at a camera that is on, for that many seconds."""
        now_s = self._clock.mono_s()
        if what is not None:
            self.record.declared.append(Declared(now_s, what, by, now_s + (math.inf if for_s is None else for_s)))

    def on_trigger(self, trigger: TriggerSource) -> None:
        """A sensor asks for a recording, of a camera that is on and does not record."""
        now = self._clock.now()
        self.record.activations.append(Activation(now.mono_s, iso(now.utc), trigger=trigger))

    def on_console_command(self, command: Command, *, is_recording: bool) -> None:
        """A technician gave a command at the console."""
        now = self._clock.now()
        match command.command:
            case "start-recording":
                self.record.console_commands.append(command.id)
                self.record.activations.append(Activation(now.mono_s, iso(now.utc), command.id))
            case "stop-recording" if is_recording:
                self.record.stops.append(now.mono_s)
            case "mark" if is_recording:
                self.record.markers.append(now.mono_s)

    # -- buttons -------------------------------------------------------------------------------------------------------

    def on_button(self, edge: Edge, *, is_recording: bool, is_asked: bool = False) -> None:
        """A button moved while the firmware reads it. `is_asked`: the wearer is asked to press once more."""
        self.add_due_holds()
        now = self._clock.now()
        moved = self._buttons.down if edge.is_down else self._buttons.up
        moved_s = now.mono_s if edge.at_s is None else edge.at_s
        meaning = moved(edge.button, moved_s, is_recording=is_recording or is_asked)
        match meaning:
            case "start" if now.mono_s - self._start_requested_s > self.record.precision_s:  # else the same request
                self._start_requested_s = now.mono_s
                self.record.activations.append(Activation(now.mono_s, iso(now.utc)))
            case "mark" if not is_recording:  # a press by which the wearer attests
                self.record.activations.append(Activation(now.mono_s, iso(now.utc), attests=True))
            case "mark":
                self.record.markers.append(now.mono_s)

    def add_due_holds(self) -> None:
        """Add what buttons mean that have been held for long enough by now."""
        for at_s, meaning in self._buttons.take_holds(self._clock.mono_s()):
            (self.record.stops if meaning == "stop" else self.record.stealth_changes).append(at_s)

    # -- devices -------------------------------------------------------------------------------------------------------

    def on_docked(self, *, is_recording: bool) -> None:
        """The camera was put into its dock, which ends a recording; battery and card refill."""
        self._may_have_risen = True
        if is_recording:
            self.record.stops.append(self._clock.mono_s())

    def on_video_lost(self) -> None:
        """The video source delivers no frames from now on."""
        self.record.frame_outages.append((self._clock.mono_s(), math.inf))

    def on_video_restored(self) -> None:
        """The video source delivers frames again."""
        self.record.frame_outages[-1] = (self.record.frame_outages[-1][0], self._clock.mono_s())

    def on_sound(self, *, is_recorded: bool) -> None:
        """The firmware starts, with sound or without."""
        self._sound |= {is_recorded}
        self.record.records_sound = is_recorded if len(self._sound) == 1 else None

    def on_refilled(self) -> None:
        """Battery or card may have more in the next sample than in the last one."""
        self._may_have_risen = True

    def sample_resources(self, battery_percent: float, free_bytes: int, *, is_docked: bool) -> None:
        """Add a sample of the battery's charge and the card's free space."""
        now_s, may_have_risen = self._clock.mono_s(), self._may_have_risen
        self._may_have_risen = is_docked
        self.record.battery.append(Resource(now_s, battery_percent, may_have_risen))
        self.record.storage.append(Resource(now_s, free_bytes, may_have_risen))

    # -- the end -------------------------------------------------------------------------------------------------------

    def set_microphone(self, microphone: SimulatedMicrophone) -> None:
        """Set when the microphone delivered nothing, or silence."""
        self.record.microphone_outages = microphone.outages
        self.record.microphone_stalls = microphone.stalls
        self.record.microphone_silences = microphone.silences

    def set_unsent(self, unsent: list[EventMessage | Reply]) -> None:
        """Set the messages on the flash that no broker has acknowledged."""
        self.record.unsent_events = [one for one in unsent if isinstance(one, EventMessage)]
        self.record.unsent_replies = [one for one in unsent if isinstance(one, Reply)]
