/** The console of a guest in a terminal: a line that says whose it is, then an echo of every key until Ctrl-]. */
import type { Buffer } from 'node:buffer';
import type { ServerChannel } from 'ssh2';
import { findDomain, type World } from './world.ts';

const leave = 0x1d;

/** `argv`: `xl console NAME`. Resolves to the exit code. */
export const console = (world: World, argv: readonly string[], channel: ServerChannel): Promise<number> => {
  const [program = '', command = '', word = ''] = argv;
  const complain = (text: string, rc: number): Promise<number> => {
    channel.write(`${text}\r\n`);
    return Promise.resolve(rc);
  };
  if (program !== 'xl' || command !== 'console') return complain(`${program}: not found`, 127);
  const d = findDomain(world, word);
  if (d === undefined) return complain(`${word} is an invalid domain identifier (rc=-6)`, 1);
  channel.write(`\r\n${d.name ?? word} login: `);
  return new Promise((resolve) => {
    channel.on('data', (keys: Buffer) => {
      const end = keys.indexOf(leave);
      channel.write(end < 0 ? keys : keys.subarray(0, end));
      if (end >= 0) resolve(0);
    });
    channel.on('close', () => resolve(1));
  });
};
