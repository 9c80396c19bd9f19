"""The I2C bus, as far as gauges need it: 16-bit registers, most significant byte first."""

from typing import Protocol

from lapel.errors import ConfigError


class I2cBus(Protocol):
    """An open bus: smbus2's, or a double at register level."""

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        """The bytes of a register. Raises OSError when the device does not answer."""

    def close(self) -> None:
        """Close it."""


def open_bus(number: int) -> I2cBus:
    """`/dev/i2c-N`. Raises ConfigError when there is none, or this user may not use it."""
    from smbus2 import SMBus

    try:
        bus: I2cBus = SMBus(number)
    except OSError as error:
        raise ConfigError(
            f"/dev/i2c-{number}: cannot be opened: {error.strerror}; switch I2C on (`raspi-config`), and is this user "
            "in the group `i2c`?"
        ) from error
    return bus


def read_word(bus: I2cBus, address: int, register: int) -> int:
    """An unsigned register. Raises OSError."""
    high, low = bus.read_i2c_block_data(address, register, 2)
    return high << 8 | low


def read_signed(bus: I2cBus, address: int, register: int) -> int:
    """A register in two's complement. Raises OSError."""
    word = read_word(bus, address, register)
    return word - 0x1_0000 if word & 0x8000 else word
