/** What a VM is → the words of the file that say so: the inverse of `vms.ts`. What is Xen's own anyway gets no word. */
import { sameValue } from '../../core/digest.ts';
import { covered, holdsCover, withReferences } from '../../core/password.ts';
import { formatSize } from '../../core/quantity.ts';
import { fields } from '../../kinds/vm/fields.ts';
import { pvhgrub } from '../../kinds/vm/resolve.ts';
import type { AllSettings, CfgValue, SettingName, VmConfig, VmState } from '../../kinds/vm/spec.ts';
import { ownedXlKeys } from '../../kinds/vm/xl-keys.ts';
import { nicWords, type Bridge } from './nic.ts';
import { wordsOf, type Leaf, type Note, type Word, type Words } from './tree.ts';

/** A VM as it was found; its passwords are covered. */
export interface FoundVm {
  readonly key: string;
  readonly config: VmConfig;
  /** Null: nobody looked whether it runs. */
  readonly state: VmState | null;
  /** Whether its server starts it; null: nobody looked. */
  readonly autostart: boolean | null;
  /** Undefined where the farm has one only. */
  readonly pool: string | undefined;
  /** The only server that it may be on; undefined: any. */
  readonly server: string | undefined;
  /** vdevs of disks that other VMs write, too. */
  readonly shared: ReadonlySet<string>;
}

export interface Written {
  readonly words: Words;
  readonly notes: readonly Note[];
}

const flatOrMap = (now: Leaf, max: Leaf, names: readonly [string, string]): Word =>
  now === max ? now : { [names[0]]: now, [names[1]]: max };

/** The setting where somebody set it to something else than Xen's own. */
type Said = <N extends SettingName>(name: N) => AllSettings[N] | undefined;

const saidIn =
  (c: VmConfig): Said =>
  (name) => {
    const field = fields.find((f) => f.name === name);
    const value = c.settings[name];
    const own = field === undefined || !field.types.includes(c.type) || sameValue(value, field.fallback);
    return value === undefined || own ? undefined : value;
  };

const variable = (key: string, what: string): string =>
  `\${env:${`${/^\d/.test(key) ? 'VM_' : ''}${key}_${what}`.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}}`;

const screenWords = (
  { key, config }: FoundVm,
  said: Said,
  screen: 'vnc' | 'spice',
  notes: Note[],
): Word | undefined => {
  const on = said(`display.${screen}`);
  if (on === false) return false;
  const port = said(`display.${screen}.port`) ?? undefined;
  const secret = said(`display.${screen}.password`);
  const password = secret ? variable(key, `${screen}_PASSWORD`) : undefined;
  const words = wordsOf([
    ['listen', said(`display.${screen}.listen`)],
    ['port', port],
    ['password', password],
  ]);
  if (screen === 'spice' && !config.settings['display.spice']) return undefined;
  if (screen === 'spice' && port === undefined) {
    notes.push({ at: ['display'], text: 'spice is left out, and stays as the cfg has it: it says no port' });
    return undefined;
  }
  if (password !== undefined)
    notes.push({
      at: ['display', screen],
      text: `its password stands in the cfg; where it is written anew, ${password} gives it`,
    });
  return Object.keys(words).length === 0 ? undefined : words;
};

const diskWords = ({ config, shared }: FoundVm): Written => {
  const notes: Note[] = [];
  const entries = Object.entries(config.disks).map(([vdev, d]): [string, Word] => {
    if (d.extra.length > 0)
      notes.push({ at: ['disks', vdev], text: `the cfg also says ${d.extra.join(', ')}, and keeps it` });
    return [
      vdev,
      wordsOf([
        ['path', d.path],
        ['format', d.format === 'raw' ? undefined : d.format],
        ['access', shared.has(vdev) ? 'shared' : d.access === 'ro' ? 'ro' : undefined],
        ['backend', d.backend ?? undefined],
      ]),
    ];
  });
  return { words: wordsOf(entries), notes };
};

/** A number as xl reads it is one here, too. */
const cfgWord = (value: CfgValue): Word => {
  if (typeof value !== 'string') return value.map(cfgWord);
  return /^(?:0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
};

const textsIn = (value: CfgValue): readonly string[] => (typeof value === 'string' ? [value] : value.flatMap(textsIn));

const mapped = (value: CfgValue, to: (text: string) => string): CfgValue =>
  typeof value === 'string' ? to(value) : value.map((v) => mapped(v, to));

const shown = (value: CfgValue): string => JSON.stringify(mapped(value, covered));

/** Keys for which Reeve has a word that cannot hold this value stay in the cfg; a password in another value is named. */
const xlWords = ({ key: vm, config }: FoundVm): Written => {
  const notes: Note[] = [];
  const entries: [string, Word][] = [];
  for (const { key, value } of [...config.extra].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (Object.hasOwn(ownedXlKeys, key)) {
      const masked = key.endsWith('passwd') ? '' : ` = ${shown(value)}`;
      notes.push({ at: [], text: `${key}${masked} stays in the cfg: \`${ownedXlKeys[key]}\` cannot say it` });
      continue;
    }
    let n = 0;
    const named = mapped(value, (text) =>
      withReferences(text, () => variable(vm, `${key}_PASSWORD${n++ === 0 ? '' : `_${n}`}`)),
    );
    if (textsIn(value).some(holdsCover))
      notes.push({
        at: ['xl', key],
        text: 'its password stands in the cfg; where it is written anew, the reference gives it',
      });
    entries.push([key, cfgWord(named)]);
  }
  return { words: wordsOf(entries), notes };
};

const bootWords = (c: VmConfig, said: Said): Words =>
  wordsOf([
    ['kernel', c.type === 'pvh' && c.boot.kernel === pvhgrub ? undefined : (c.boot.kernel ?? undefined)],
    ['ramdisk', c.boot.ramdisk ?? undefined],
    ['cmdline', c.boot.cmdline ?? undefined],
    ['bootloader', said('boot.bootloader') ?? undefined],
    ['firmware', said('boot.firmware')],
    ['order', said('boot.order')],
  ]);

/** Said where it is not what follows from its state, or where nobody looked: nothing. */
const autostartWord = ({ state, autostart }: FoundVm): boolean | undefined =>
  autostart === null || state === null || autostart === (state === 'running') ? undefined : autostart;

const affinityWord = (said: Said): Word | undefined => {
  const [hard, soft] = [said('affinity.hard'), said('affinity.soft')];
  return soft === undefined ? hard : wordsOf([['hard', hard], ['soft', soft]]); // prettier-ignore
};

const orNone = (words: Words | undefined): Words | undefined =>
  words && Object.keys(words).length > 0 ? words : undefined;

/** `networkOf`: the name that the file has for a bridge. */
export const vmWords = (vm: FoundVm, networkOf: (bridge: Bridge) => string): Written => {
  const { key, config: c } = vm;
  const said = saidIn(c);
  const notes: Note[] = [];
  const disks = diskWords(vm);
  const nics = nicWords(c.nics, networkOf);
  const xl = xlWords(vm);
  const display = wordsOf([
    ['vnc', c.type === 'hvm' ? screenWords(vm, said, 'vnc', notes) : undefined],
    ['spice', c.type === 'hvm' ? screenWords(vm, said, 'spice', notes) : undefined],
  ]);
  const cdroms = Object.entries(c.cdroms).map(([vdev, { path }]): [string, Word] => [
    vdev,
    path === '' ? {} : { path },
  ]);
  const words = wordsOf([
    ['name', c.name === key ? undefined : c.name],
    ['uuid', c.uuid ?? undefined],
    ['pool', vm.pool],
    ['server', vm.server],
    ['state', vm.state === null || vm.state === 'running' ? undefined : vm.state],
    ['autostart', autostartWord(vm)],
    ['type', c.type],
    ['vcpus', flatOrMap(c.vcpus.count, c.vcpus.max, ['count', 'max'])],
    ['memory', flatOrMap(formatSize(c.memory.target), formatSize(c.memory.max), ['target', 'max'])],
    ['boot', orNone(bootWords(c, said))],
    ['disks', orNone(disks.words)],
    ['cdrom', orNone(wordsOf(cdroms))],
    ['nics', nics.words],
    ['display', orNone(display)],
    ['serial', said('serial') ?? undefined],
    ['tablet', said('tablet')],
    ['sched', orNone(wordsOf([['weight', said('sched.weight')], ['cap', said('sched.cap')]]))], // prettier-ignore
    ['affinity', affinityWord(said)],
    ['cpupool', said('cpupool')],
    ['on', orNone(wordsOf([['poweroff', said('on.poweroff')], ['reboot', said('on.reboot')], ['crash', said('on.crash')]]))], // prettier-ignore
    ['xl', orNone(xl.words)],
  ]);
  return { words, notes: [...notes, ...disks.notes, ...nics.notes, ...xl.notes] };
};
