"""Sizes as ECS writes them: cpu in units of 1/1024 vCPU, memory in MiB, and the table of sizes that Fargate has."""

MIB_PER_GIB = 1024
UNITS_PER_VCPU = 1024

# vCPU units -> (least, most, step) of memory in MiB, beside the small sizes that follow no step.
FARGATE_STEPS = {
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
FARGATE_SMALLEST = (256, (512, 1024, 2048))

CPU_PATTERN = "^([0-9]{1,9}|([0-9]{1,5}([.][0-9]{1,4})?|[.][0-9]{1,4}) ?v[cC][pP][uU])$"
MEMORY_PATTERN = "^([0-9]{1,9}|([0-9]{1,5}([.][0-9]{1,4})?|[.][0-9]{1,4}) ?[gG][bB])$"


def cpu_units(cpu: int | str) -> int:
    """Task cpu in units: 256, "256" and ".25 vCPU" are the same."""
    text = str(cpu).lower()
    if text.endswith("vcpu"):
        return round(float(text.removesuffix("vcpu")) * UNITS_PER_VCPU)
    return int(text)


def memory_mib(memory: int | str) -> int:
    """Task memory in MiB: 512, "512" and "0.5 GB" are the same."""
    text = str(memory).lower()
    if text.endswith("gb"):
        return round(float(text.removesuffix("gb")) * MIB_PER_GIB)
    return int(text)


def is_fargate_size(cpu: int, memory: int) -> bool:
    smallest, memories = FARGATE_SMALLEST
    if cpu == smallest:
        return memory in memories
    least, most, step = FARGATE_STEPS.get(cpu, (1, 0, 1))
    return least <= memory <= most and memory % step == 0


def fargate_memories(cpu: int) -> str:
    """The memory that goes with a cpu, as a phrase for an error; empty when Fargate has no such cpu."""
    smallest, memories = FARGATE_SMALLEST
    if cpu == smallest:
        return ", ".join(str(memory) for memory in memories)
    if cpu not in FARGATE_STEPS:
        return ""
    least, most, step = FARGATE_STEPS[cpu]
    return f"{least} to {most} in steps of {step}"


def _steps_cel() -> str:
    steps = " || ".join(
        f"(cpu == {cpu} && memory >= {least} && memory <= {most} && memory % {step} == 0)"
        for cpu, (least, most, step) in FARGATE_STEPS.items()
    )
    smallest, memories = FARGATE_SMALLEST
    return f"(cpu == {smallest} && memory in {list(memories)}) || {steps}"


def _units_cel(field: str, suffix: str) -> str:
    text = f"string({field}).lowerAscii()"
    rounded = f"int(double({text}.replace('{suffix}', '').trim()) * 1024.0 + 0.5)"
    return f"({text}.endsWith('{suffix}') ? {rounded} : int({text}))"


# Lists of one element stand in for variables, which CEL in a CRD has not. A text that is no size at all is refused
# by its pattern already; without the guard the API server would add a conversion error to that.
FARGATE_CEL = (
    f"!string(self.cpu).matches('{CPU_PATTERN}') || !string(self.memory).matches('{MEMORY_PATTERN}') || "
    f"[{_units_cel('self.cpu', 'vcpu')}].all(cpu, [{_units_cel('self.memory', 'gb')}].all(memory, {_steps_cel()}))"
)
