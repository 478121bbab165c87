"""Opening a PDF of unknown origin, in a process of its own that may take little time and memory.

PDFium cannot be called from two threads at once (once it broke, it refuses good files too), and two kilobytes can unpack
to gigabytes: so never in the web server.
"""

import resource
import subprocess
import sys

import pypdfium2

SECONDS, MEMORY = 10, 512 * 1024 * 1024


def page_count(octets: bytes) -> int:
    """Raises PdfiumError for what is no PDF, or takes too much to find out."""
    try:
        answer = subprocess.run(  # noqa: S603  this file, no shell
            [sys.executable, "-I", __file__],
            input=octets,
            capture_output=True,
            timeout=SECONDS + 5,
            check=True,
            env={"PYTHONUTF8": "1"},
        )
        return int(answer.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise pypdfium2.PdfiumError("The file cannot be opened as a PDF.") from error


def main() -> None:
    for limit, value in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(limit, (value, value))
    sys.stdout.write(str(len(pypdfium2.PdfDocument(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
