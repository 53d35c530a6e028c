/** The contract suite on the simulated farm. */
import { contract } from './law.ts';
import { hasty, openRig } from './rig.ts';

contract('the simulated farm', async () => {
  const rig = await openRig({
    servers: [
      {
        name: 'dom01',
        memoryMiB: 3072,
        dom0MiB: 768,
        cpus: 2,
        bridges: ['xenbr0', 'xenbr1'],
        paths: ['/srv/guest/vmlinuz', '/srv/guest/initrd.gz', '/srv/images/a.img', '/srv/images/b.img'],
      },
    ],
    speed: Infinity,
    seed: 'contract',
  });
  const control = rig.control();
  const held = await control.hold('dom01', { who: 'contract', from: 'here', since: '', epoch: 'contract1' });
  if (held.is !== 'held') throw new Error(`could not hold the server: ${held.is}`);
  return {
    server: 'dom01',
    control,
    clock: hasty(),
    kernel: '/srv/guest/vmlinuz',
    ramdisk: '/srv/guest/initrd.gz',
    disks: ['/srv/images/a.img', '/srv/images/b.img'],
    bridges: ['xenbr0', 'xenbr1'],
    awake: () => rig.sim.settle(),
    hand: (argv) => rig.sim.hand('dom01', argv),
    close: async () => {
      await control.close();
      await rig.close();
    },
  };
});
