/** A dom0 that is switched off and on again: what was in memory is gone, its disks are as they were. */
import { running, type Dom0 } from './dom0.ts';
import type { Files } from './files.ts';
import { openAtBoot } from './lvm.ts';
import { mountAtBoot } from './mount.ts';
import { userdataPath } from './world.ts';

const empty = (files: Files, folder: string): void => {
  for (const name of files.list(folder)) {
    const path = `${folder}/${name}`;
    if (files.get(path)?.is === 'dir') empty(files, path);
    files.drop(path);
  }
};

/** The guests stay down: nothing here starts what /etc/xen/auto names. */
export const reboot = (dom0: Dom0): void => {
  const { world } = dom0;
  const { files } = world;
  for (const control of dom0.controls.values()) for (const operation of running(control)) operation.lose();
  dom0.controls.clear();
  world.clock.cut();
  for (const d of world.domains.values())
    for (const kind of ['libxl-json', 'xl'] as const) files.drop(userdataPath(d, kind));
  world.domains.clear();
  world.monitors.clear();
  world.workers.clear();
  world.bridges.clear();
  for (const bridge of world.server.bridges) world.bridges.add(bridge);
  world.nextDomid = 1;
  world.nextPid = 600;
  world.nextIfindex = 3 + world.server.bridges.length;
  world.nextLoop = 0;
  for (const mount of files.mounts.toReversed()) files.unmount(mount);
  for (const folder of ['/run', '/tmp']) empty(files, folder);
  world.bootId = world.random.uuid();
  files.put('/proc/sys/kernel/random/boot_id', `${world.bootId}\n`, 0o444);
  mountAtBoot(world);
  openAtBoot(world);
};
