/** Random values for every setting that a type of guest has, as a cfg can hold them, and the passwords among them. */
import * as fc from 'fast-check';
import { digestText } from '../../src/core/digest.ts';
import { parseCpus } from '../../src/kinds/vm/cpus.ts';
import { fields } from '../../src/kinds/vm/fields.ts';
import { parseRate } from '../../src/kinds/vm/rate.ts';
import type { OnEvent, Secret, Settings, SettingName, SettingValue, VmType } from '../../src/kinds/vm/spec.ts';

const passwords = ['s3cret', '0123', 'a "quoted" one', "it's", 'x,y=z', 'back\\slash', '*half*'];
const password: fc.Arbitrary<Secret> = fc
  .constantFrom(...passwords)
  .map((text) => ({ secret: 'kept', digest: digestText(text) }));

/** The password of that digest. */
export const secretOf = (s: Secret): string | null => passwords.find((text) => digestText(text) === s.digest) ?? null;

const address = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.0.${a}.${b}`);
const event = fc.constantFrom<OnEvent>(
  'destroy',
  'restart',
  'preserve',
  'rename-restart',
  'coredump-destroy',
  'coredump-restart',
);
/** A byte's worth: a small host's xl keeps no more of them. */
const cpus = fc.subarray(['0', '1', '2', '3', '4', '5', '6', '7'], { minLength: 1 }).map((some) => {
  const parsed = parseCpus(some.join(','));
  return 'cpus' in parsed ? parsed.cpus : 'all';
});
const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);

const values: Readonly<Record<SettingName, fc.Arbitrary<SettingValue>>> = {
  'boot.bootloader': fc.constantFrom('pygrub', '/usr/lib/xen/bin/pvgrub'),
  'boot.firmware': fc.constantFrom('bios', 'uefi'),
  'boot.order': fc.shuffledSubarray(['disk', 'cdrom', 'network'] as const, { minLength: 1 }),
  'display.vnc': fc.boolean(),
  'display.vnc.listen': address,
  'display.vnc.port': fc.option(fc.integer({ min: 5900, max: 5999 })),
  'display.vnc.password': fc.option(password),
  'display.spice': fc.boolean(),
  'display.spice.listen': address,
  'display.spice.port': fc.option(fc.integer({ min: 1, max: 65535 })),
  'display.spice.password': fc.option(password),
  serial: fc.constantFrom('pty', 'none', 'tcp:127.0.0.1:9999,server,nowait'),
  tablet: fc.boolean(),
  'sched.weight': fc.integer({ min: 1, max: 65535 }),
  'sched.cap': fc.nat(1600),
  'affinity.hard': cpus,
  'affinity.soft': cpus,
  cpupool: word,
  'on.poweroff': event,
  'on.reboot': event,
  'on.crash': event,
};

/** Some of those that the type has. */
export const settingsFor = (type: VmType): fc.Arbitrary<Settings> => {
  const mine = fields.filter((f) => f.types.includes(type)).map((f) => [f.name, values[f.name]] as const);
  return fc.record(Object.fromEntries(mine), { requiredKeys: [] }) as fc.Arbitrary<Settings>;
};

/** As a cfg gives it back. */
export const rate = fc
  .tuple(fc.integer({ min: 1, max: 4000 }), fc.constantFrom('Kb/s', 'KB/s', 'Mb/s', 'MB/s@20ms', 'Mb/s@333us'))
  .map(([n, unit]) => parseRate(`${n}${unit}`))
  .filter((parsed) => 'rate' in parsed)
  .map(({ rate: text }) => text);
