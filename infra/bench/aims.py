"""The aims of the functions' program and of `make bench`, and whether a measurement meets them."""

# Each is the most that may be measured. docs/performance.md says what each one means.
AIMS = {
    "zip, MB": 4.0,
    "spawn to first poll, ms": 7.0,
    "resident at first poll, MiB": 12.0,
    "processor time of the first request by TLS, ms": 4.0,
    "processor time of a step's call beside Powertools', on one core": 1 / 6,
    "seconds of make bench": 900,
}


def judge(measured):
    """Prints each measurement beside its aim. Ends the process with an error if one is missed."""
    print("\n| | aim, at most | measured | |\n|---|---|---|---|")
    missed = [name for name, value in measured.items() if value > AIMS[name]]
    for name, value in measured.items():
        print(f"| {name} | {AIMS[name]:.3g} | {value:.3g} | {'missed' if name in missed else 'met'} |")
    if missed:
        raise SystemExit("aims missed: " + "; ".join(missed))


if __name__ == "__main__":
    import sys

    judge({sys.argv[1]: float(sys.argv[2])})
