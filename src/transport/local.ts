/** The link to this machine itself: a local `sh` instead of an SSH session, the same texts on it. */
import { spawn } from 'node:child_process';
import type { Channel, Ending, Link } from './channel.ts';
import { unknown } from './unknown.ts';

export const localLink = (label: string): Link => {
  const running = new Set<Channel>();
  let goDown: (why: undefined) => void = () => {};
  const drop = (): void => {
    for (const channel of running) channel.abandon();
    goDown(undefined);
  };
  const down = new Promise<undefined>((resolve) => {
    goDown = resolve;
  });
  return {
    down,
    open: (command) =>
      new Promise((resolve) => {
        // Its own group, so that Ctrl-C at the terminal reaches Reeve alone.
        const child = spawn('sh', ['-c', command], { stdio: 'pipe', detached: true });
        const ended = new Promise<Ending>((end) => {
          child.once('close', (rc) => end({ rc }));
        });
        const channel: Channel = {
          stdin: child.stdin,
          stdout: child.stdout,
          stderr: child.stderr,
          ended,
          resize: () => {},
          abandon: () => {
            child.stdin.destroy();
            child.stdout.destroy();
            child.stderr.destroy();
            child.kill();
          },
        };
        child.once('spawn', () => {
          running.add(channel);
          resolve(channel);
        });
        child.once('error', (error) =>
          resolve(unknown('unreachable', `${label}: sh cannot be started: ${error.message}`)),
        );
        child.once('close', () => running.delete(channel));
      }),
    close: async () => drop(),
    drop,
  };
};
