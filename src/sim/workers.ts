/** Processes that come and go, as `ps` shows them while they run. */
import type { Running } from './process.ts';
import type { World } from './world.ts';

/** Its pid. */
export const addWorker = (world: World, args: string): number => {
  const pid = (world.nextWorker += 1);
  world.workers.set(pid, args);
  return pid;
};

/** Shown until `run` has ended, or the process is killed. */
export const shown = async <T>(world: World, process: Running, args: string, run: () => Promise<T>): Promise<T> => {
  const pid = addWorker(world, args);
  process.whenKilled(() => world.workers.delete(pid));
  try {
    return await run();
  } finally {
    world.workers.delete(pid);
  }
};
