/** The contract suites on the simulated farm: once for each type of guest, and of storage. */
import { contract, type ContractFarm } from './law.ts';
import { imagesContract } from './images-law.ts';
import { hasty, openRig } from './rig.ts';
import { storageContract } from './storage-law.ts';

const open = async (): Promise<ContractFarm> => {
  const rig = await openRig({
    servers: [
      {
        name: 'dom01',
        memoryMiB: 3072,
        dom0MiB: 768,
        cpus: 2,
        bridges: ['xenbr0', 'xenbr1'],
        cpupools: ['Pool-0', 'other'],
        paths: [
          '/srv/guest/vmlinuz',
          '/srv/guest/initrd.gz',
          '/srv/images/a.img',
          '/srv/images/b.img',
          '/srv/images/c.qcow2',
          '/srv/images/d.iso',
          '/srv/images/e.iso',
        ],
      },
    ],
    speed: Infinity,
    seed: 'contract',
  });
  const control = rig.control();
  const held = await control.hold('dom01', { who: 'contract', from: 'here', since: '', epoch: 'contract1' });
  if (held.is !== 'held') throw new Error(`could not hold the server: ${held.is}`);
  rig.sim.faults('dom01').guest('law', { listens: ['10.0.0.9:7000'] });
  return {
    server: 'dom01',
    control,
    clock: hasty(),
    kernel: '/srv/guest/vmlinuz',
    ramdisk: '/srv/guest/initrd.gz',
    disks: ['/srv/images/a.img', '/srv/images/b.img'],
    qcow2: '/srv/images/c.qcow2',
    isos: ['/srv/images/d.iso', '/srv/images/e.iso'],
    bridges: ['xenbr0', 'xenbr1'],
    cpupool: 'other',
    secondPool: async () => undefined,
    listens: { cmdline: '', host: '10.0.0.9', port: 7000 },
    awake: () => rig.sim.settle(),
    hand: (argv) => rig.sim.hand('dom01', argv),
    close: async () => {
      await control.close();
      await rig.close();
    },
  };
};

for (const type of ['pvh', 'pv', 'hvm'] as const) contract('the simulated farm', type, open);

const exported = 'filer:/law';

const openStorage = async () => {
  const rig = await openRig({
    servers: [
      {
        name: 'dom01',
        memoryMiB: 3072,
        dom0MiB: 768,
        cpus: 2,
        bridges: [],
        paths: [],
        volumeGroups: { vg0: 4 * 1024 ** 2 },
      },
    ],
    exports: [exported],
    speed: Infinity,
    seed: 'storage',
  });
  const control = rig.control();
  const held = await control.hold('dom01', { who: 'contract', from: 'here', since: '', epoch: 'contract1' });
  if (held.is !== 'held') throw new Error(`could not hold the server: ${held.is}`);
  return {
    server: 'dom01',
    control,
    clock: hasty(),
    source: exported,
    group: 'vg0',
    serve: (name: string, bytes: Uint8Array) => {
      rig.sim.web.set(`http://web/${name}`, { bytes });
      return `http://web/${name}`;
    },
    hand: (argv: readonly string[]) => rig.sim.hand('dom01', argv),
    close: async () => {
      await control.close();
      await rig.close();
    },
  };
};

storageContract('the simulated farm', openStorage);
imagesContract('the simulated farm', openStorage);
