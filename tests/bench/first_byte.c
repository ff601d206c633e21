// Times programs from exec to the first byte they write to standard output, and prints for each the median
// and the quartiles in microseconds, and the median's ratio to that of the first program.
//
//   first_byte RUNS PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...
//
// The programs take turns, so that a busy machine is busy for all of them, with a pause between them in which
// the kernel ends what the one before left behind (a virtual machine). The clock starts before posix_spawn;
// what a program does after its first byte is waited for and not counted.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxPrograms = 16 };

extern char** environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Microseconds, or a negative number if there was no byte.
static double measure(char** command) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  pid_t child = 0;
  const double start = now();
  if (posix_spawnp(&child, command[0], &actions, NULL, command, environ) != 0) return -1;
  close(pipe_ends[1]);
  char byte = 0;
  const ssize_t count = read(pipe_ends[0], &byte, 1);
  const double elapsed = now() - start;
  while (read(pipe_ends[0], &byte, 1) > 0) {
  }
  close(pipe_ends[0]);
  waitpid(child, NULL, 0);
  posix_spawn_file_actions_destroy(&actions);
  return count == 1 ? elapsed : -1;
}

// Splits `arguments` at "--" into NULL-terminated commands; 0 if there are none or too many.
static int split(char** arguments, char*** commands) {
  int count = 0;
  for (char** next = arguments; *next != NULL && count < kMaxPrograms;) {
    commands[count++] = next;
    while (*next != NULL && strcmp(*next, "--") != 0) ++next;
    if (*next != NULL) *next++ = NULL;
  }
  for (int i = 0; i < count; ++i)
    if (commands[i][0] == NULL) return 0;
  return count;
}

int main(int argc, char** argv) {
  char** commands[kMaxPrograms];
  const long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
  const int count = runs > 0 && runs <= 100000 ? split(argv + 2, commands) : 0;
  if (count == 0) {
    fprintf(stderr, "usage: first_byte RUNS PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...\n");
    return 2;
  }
  double* times = calloc((size_t)(runs * count), sizeof(*times));
  if (times == NULL) return 1;
  for (long run = 0; run < runs; ++run) {
    for (int i = 0; i < count; ++i) {
      const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
      nanosleep(&pause, NULL);
      const double time = measure(commands[i]);
      if (time < 0) {
        fprintf(stderr, "%s wrote nothing to standard output\n", commands[i][0]);
        return 1;
      }
      times[i * runs + run] = time;
    }
  }
  double first = 0;
  for (int i = 0; i < count; ++i) {
    double* mine = times + i * runs;
    qsort(mine, (size_t)runs, sizeof(*mine), compare);
    if (i == 0) first = mine[runs / 2];
    printf("%8.0f us (quartiles %.0f-%.0f) x%.2f ", mine[runs / 2], mine[runs / 4], mine[3 * runs / 4],
           mine[runs / 2] / first);
    for (char** word = commands[i]; *word != NULL; ++word) printf(" %s", *word);
    printf("\n");
  }
  free(times);
  return 0;
}
