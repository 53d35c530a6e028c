/** A run of Reeve that is caught in the middle of a step: the step's own process stands still on the dom0 until it is let go. */
import { hand, until } from './farm.ts';

/** Bash on the dom0; `[x]l` in a pattern keeps it from finding itself. */
export const catchStep = async (i: number, pattern: string): Promise<string> =>
  hand(
    i,
    `n=0; while [ $n -lt 6000 ]; do p=$(pgrep -of '${pattern}') && kill -STOP "$p" && echo "$p" && exit 0; n=$((n + 1)); sleep 0.05; done; exit 1`,
  );

/**
 * The same for a program that may be over before anybody looks: it stands still by itself, the next time that its first argument is
 * `first`. Before the run; what it gives waits for that.
 */
export const trap = async (i: number, program: string, first: string): Promise<() => Promise<string>> => {
  const shim = [
    '#!/bin/sh',
    `[ "$1" = ${first} ] && rm /run/trap 2> /dev/null && echo $$ > /run/trapped && kill -STOP $$`,
    `exec ${program}.real "$@"`,
  ];
  const lines = shim.map((line) => `'${line}'`).join(' ');
  await hand(
    i,
    `[ -e ${program}.real ] || { mv ${program} ${program}.real && printf '%s\\n' ${lines} > ${program} && chmod 755 ${program}; }; rm -f /run/trapped; : > /run/trap`,
  );
  return () => until('it is caught', async () => (await hand(i, 'cat /run/trapped 2> /dev/null || true')) || null, 600);
};

export const letGo = (i: number, pid: string): Promise<string> => hand(i, `kill -CONT ${pid}`);

/** The same, by itself after so many seconds: for when nobody can reach the dom0. */
export const letGoLater = (i: number, pid: string, seconds: number): Promise<string> =>
  hand(i, `(sleep ${seconds}; kill -CONT ${pid}) > /dev/null 2>&1 < /dev/null &`);

/** The SSH session of the run that holds dom0 `i` dies, as if sshd had been killed. */
export const killSession = (i: number): Promise<string> =>
  hand(i, 'kill -9 $(ps -o ppid= -p "$(pgrep -of "[r]eeve-hold")")');

/** The wrapper of every operation that runs dies; what it started goes on. */
export const killWrapper = (i: number): Promise<string> => hand(i, 'pkill -9 -f "^sh -c .*[r]eeve-run"');
