"""Measures the program of the functions.

Prints its size, the size of its zip, and for each function the time from spawn to the first poll
and the memory then.
"""

import http.server
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

RUNS = 15
SETTINGS = {
    "HOLDFAST_LEDGER_TABLE": "table",
    "HOLDFAST_RECEIPT_BUCKET": "receipts",
    "HOLDFAST_PAYLOAD_BUCKET": "payloads",
    "HOLDFAST_MACHINE_PREFIX": "arn:aws:states:us-east-1:000000000000:stateMachine:holdfast-",
    "HOLDFAST_RECEIPT_URL_SECONDS": "900",
    "HOLDFAST_START_WAIT_SECONDS": "20",
    "HOLDFAST_STACK": "holdfast",
    "HOLDFAST_AUDIT_BUS": "holdfast-audit",
    "HOLDFAST_SIGNING_KEY": "alias/holdfast",
    "HOLDFAST_DEPLOYMENT": "000000000000/us-east-1/holdfast",
    "HOLDFAST_TENANT_ROLE": "arn:aws:iam::000000000000:role/tenant",
    "HOLDFAST_LEDGER_ARN": "arn:aws:dynamodb:us-east-1:000000000000:table/table",
    "HOLDFAST_RECEIPT_BUCKET_ARN": "arn:aws:s3:::receipts",
    "HOLDFAST_TENANT_CLAIM": "tenant",
    "HOLDFAST_ROLE_CLAIM": "role",
    "HOLDFAST_GROUP_CLAIM": "groups",
    "HOLDFAST_HTTP_ALLOW": "https://api.example.com",
    "VENDOR_SYSTEM_URL": "https://vendors.example.com",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_GROUP_NAME": "none",
    "AWS_LAMBDA_LOG_STREAM_NAME": "none",
}


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Lambda's runtime API up to the first poll, which it never answers."""

    polled = threading.Event()

    def do_GET(self):
        self.polled.set()
        threading.Event().wait(5)

    def log_message(self, *_):
        pass


def spawn(program, handler, action, address):
    """Returns the milliseconds from spawn to the first poll, and the resident KiB then."""
    RuntimeApi.polled.clear()
    variables = {
        **SETTINGS,
        "_HANDLER": handler,
        "HOLDFAST_ACTION": action,
        "AWS_LAMBDA_RUNTIME_API": address,
        "PATH": os.environ["PATH"],
    }
    began = time.perf_counter()
    process = subprocess.Popen([program], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if not RuntimeApi.polled.wait(10):
            process.kill()
            raise SystemExit(f"{handler} never polled: {process.stderr.read().decode()}")
        took = (time.perf_counter() - began) * 1000
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    finally:
        process.kill()
        process.wait()
    return took, resident


def zipped(program):
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder, "function.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(program, "bootstrap")
        return archive.stat().st_size


def main():
    folder = pathlib.Path(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    program = folder / "functions"
    print(f"The program has {program.stat().st_size / 1e6:.1f} MB, its zip {zipped(program) / 1e6:.1f} MB.\n")
    print("| function | spawn to first poll (median, best) | resident |")
    print("|---|---|---|")
    for name, handler, action in [
        ("begin", "begin", ""),
        ("step-http", "step", "http"),
        ("step-vendor-hold", "step", "vendor-hold"),
        ("finish", "finish", ""),
        ("plan", "plan", ""),
        ("recover", "recover", ""),
        ("ask", "ask", ""),
        ("api", "api", ""),
        ("audit", "audit", ""),
    ]:
        runs = [spawn(program, handler, action, address) for _ in range(RUNS)]
        times, sizes = [took for took, _ in runs], [resident for _, resident in runs]
        print(
            f"| {name} | {statistics.median(times):.1f} ms, {min(times):.1f} ms "
            f"| {statistics.median(sizes) / 1024:.1f} MiB |"
        )
    # `digest` requests its key from KMS before it polls, and there is no KMS here.
    print("| digest | not measured | not measured |")


if __name__ == "__main__":
    main()
