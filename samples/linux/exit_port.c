// exit-port CODE - ends the virtual machine that it runs in with an exit status of run-snapshot's.
//
// The port is formats/machine.h's kExitPort; 0 to 119 become run-snapshot's exit status. Linux lets a
// privileged process write a port after ioperm(2). Debian's kernels have no /dev/port, which a shell could
// have written.
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

enum { kExitPort = 0x501 };

int main(int argc, char** argv) {
  char* end = NULL;
  const long code = argc == 2 ? strtol(argv[1], &end, 10) : -1;
  if (code < 0 || code > 255 || *end != '\0') {
    fputs("usage: exit-port CODE, with a code from 0 to 119\n", stderr);
    return 2;
  }
  if (ioperm(kExitPort, 1, 1) != 0) {
    perror("exit-port: the port cannot be written");
    return 1;
  }
  outb((unsigned char)code, kExitPort);
  return 0;
}
