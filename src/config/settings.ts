/** The settings of one VM that are one value each: what the file says of its boot, display, scheduling and end. */
import { loaderName } from '../kinds/vm/boot.ts';
import { parseCpus } from '../kinds/vm/cpus.ts';
import type { AllSettings, BootDevice, OnEvent, Secret, SettingName, Settings } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { flagAt, itemsOf, lookUp, numberAt, placeIn, textAt, type Layer } from './layers.ts';
import { badBootloader, badCmdline, badCpupool, badListen, badReference } from './words.ts';

type Open = { -readonly [N in SettingName]?: AllSettings[N] };

/** What no layer says is not in it. */
export const settingsOf = (key: string, layers: readonly Layer[], around: Around): Settings => {
  const { problems } = around;
  const all: Open = {};
  const put = <N extends SettingName>(name: N, value: AllSettings[N] | undefined): void => {
    if (value !== undefined) all[name] = value;
  };
  /** A text of the schema's choices, or one that `bad` finds nothing wrong with. */
  const text = (path: readonly string[], what = '', bad?: (v: string) => string | null): string | undefined => {
    const found = textAt(layers, ...path);
    if (bad) refuse(problems, what, found, bad);
    return found?.value;
  };
  const loader = text(['boot', 'bootloader'], 'a bootloader', badBootloader);
  put('boot.bootloader', loader === undefined ? undefined : loaderName(loader));
  put('boot.firmware', text(['boot', 'firmware']) as 'bios' | 'uefi' | undefined);
  const order = lookUp(layers, ['boot', 'order']);
  put('boot.order', order && itemsOf(order).map((item) => item.value as BootDevice));
  for (const screen of ['vnc', 'spice'] as const) screenOf(screen, key, layers, around, all);
  put('serial', text(['serial'], 'a serial port', badCmdline));
  put('tablet', flagAt(layers, 'tablet'));
  put('sched.weight', numberAt(layers, 'sched', 'weight')?.value);
  put('sched.cap', numberAt(layers, 'sched', 'cap')?.value);
  for (const part of ['hard', 'soft'] as const) {
    const found = textAt(layers, 'affinity', part);
    const set = found && parseCpus(found.value);
    if (set && 'why' in set) refuse(problems, 'a set of CPUs', found, () => set.why);
    else put(`affinity.${part}`, set?.cpus);
  }
  put('cpupool', text(['cpupool'], 'a cpupool', badCpupool));
  for (const event of ['poweroff', 'reboot', 'crash'] as const) {
    put(`on.${event}`, text(['on', event]) as OnEvent | undefined);
  }
  return all;
};

/** A screen is on where it is true or a map; one that is off has nothing else. */
const screenOf = (
  screen: 'vnc' | 'spice',
  key: string,
  layers: readonly Layer[],
  { problems, spoiled }: Around,
  all: Open,
): void => {
  const found = lookUp(layers, ['display', screen]);
  if (!found) return;
  all[`display.${screen}`] = found.value !== false;
  if (found.value === false) return;
  const listen = textAt(layers, 'display', screen, 'listen');
  const port = numberAt(layers, 'display', screen, 'port');
  const password = textAt(layers, 'display', screen, 'password');
  refuse(problems, 'an address to listen on', listen, badListen);
  refuse(problems, 'a reference', password, badReference);
  if (listen) all[`display.${screen}.listen`] = listen.value;
  if (port) all[`display.${screen}.port`] = port.value;
  if (password) all[`display.${screen}.password`] = { secret: password.value, digest: null } satisfies Secret;
  const told = layers.some((l) => spoiled(l.file, `${l.pointer}/display/spice/port`));
  if (screen === 'spice' && !port && !told) {
    problems.add({
      code: 'missing-key',
      message: `spice of ${key} has no "port"`,
      at: placeIn(found, 'key'),
      hint: 'Xen chooses none for SPICE: write it like `spice: { port: 6000 }`',
    });
  }
};
