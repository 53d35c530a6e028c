/** The forms of single values that reach a server, ssh or a cfg: why one may not be used, or null. */
import { otherSpelling, withoutSlash } from '../kinds/repository/place.ts';
import { badName, badPath } from '../core/name.ts';

/** A path on a server. */
export const badServerPath = (path: string): string | null =>
  /\{n?\}/.test(path) ? '`{}` and `{n}` are filled in only in the body of a pattern, like web-[1-20]' : badPath(path);

/** What QEMU takes a disk from that is no file: `rbd:pool/image`, `nbd:host:10809`. */
const protocol = /^[a-z][a-z0-9+.-]*:[^/]|^[a-z][a-z0-9+.-]*:\/\//;
export const isProtocol = (path: string): boolean => protocol.test(path);

/** What a hotplug script or QEMU gets to find a disk by: a path mostly, and else a word of its own. */
export const badDiskTarget = (target: string): string | null => {
  if (target.startsWith('/')) return badServerPath(target);
  if (target.length > 1024) return `it is ${target.length} characters long; 1024 are allowed`;
  if (/\{n?\}/.test(target)) return badServerPath(target);
  const bad = /[\x00-\x1f\x7f\s"'\\,;$`]/u.exec(target);
  return bad ? `${JSON.stringify(bad[0])} may not stand in it` : null;
};

const host =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?\]?)$/;
const user = /^[A-Za-z0-9_][A-Za-z0-9._@+-]*\$?$/;

/** A host name or IP address to connect to. */
export const badAddress = (address: string): string | null => {
  if (address === '') return 'it is empty';
  if (address.startsWith('-')) return 'it begins with "-", so that ssh would take it for an option';
  if (/\{n?\}/.test(address)) return '`{}` and `{n}` are filled in only in the body of a pattern, like dom[01-03]';
  if (address.includes('@')) return 'it holds a user: write it as ssh: { user: … }';
  if (/^[^:]*:\d+$/.test(address)) return 'it holds a port: write it as ssh: { port: … }';
  if (address.length > 253 || !host.test(address)) return 'it is neither a host name nor an IP address';
  return null;
};

const badHost = (name: string): string | null => {
  if (/\{n?\}/.test(name)) return '`{}` and `{n}` are filled in only in the body of a pattern, like web-[1-20]';
  return name.length > 253 || name.startsWith('[') || !host.test(name)
    ? 'it is neither a host name nor an IP address'
    : null;
};

/** An address of the server to listen on, without its port. */
export const badListen = (address: string): string | null =>
  /^[^:]*:\d+$/.test(address) ? 'it holds a port: write it as `port`' : badHost(address);

/** `host:port`, an IPv6 address in brackets; or why it is none. */
export const parseHostPort = (
  text: string,
): { readonly host: string; readonly port: number } | { readonly why: string } => {
  const m = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!m) {
    return {
      why:
        (text.match(/:/g)?.length ?? 0) > 1
          ? 'an IPv6 address stands in brackets, like [2001:db8::1]:443'
          : 'write it like 10.1.2.3:443',
    };
  }
  const [, six, name = '', digits = ''] = m;
  const address = six ?? name;
  const why = six !== undefined && !six.includes(':') ? 'in brackets stands an IPv6 address' : badHost(address);
  if (why !== null) return { why };
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? { host: address, port } : { why: `${digits} is no port` };
};

/** `[user@]host[:port]`, several separated by commas. */
export const badJump = (jump: string): string | null => {
  for (const hop of jump.split(',')) {
    const at = hop.lastIndexOf('@');
    const [name, rest] = at === -1 ? [null, hop] : [hop.slice(0, at), hop.slice(at + 1)];
    if (name !== null) {
      const why = badUser(name);
      if (why !== null) return why;
    }
    const port = /^([^:]*|\[.*\]):(\d+)$/.exec(rest);
    if (port && (Number(port[2]) < 1 || Number(port[2]) > 65535)) return `${port[2]} is no port`;
    const why = badAddress(port?.[1] ?? rest);
    if (why !== null) return why;
  }
  return null;
};

export const badUser = (name: string): string | null => {
  if (name.startsWith('-')) return 'it begins with "-", so that ssh would take it for an option';
  return user.test(name) ? null : 'it is no user name';
};

/** A file on the machine where Reeve runs. */
export const badLocalFile = (path: string): string | null => {
  if (path.startsWith('-')) return 'it begins with "-", so that ssh would take it for an option';
  return /[\x00-\x1f\x7f]/.test(path) ? 'control characters may not stand in it' : null;
};

/** An address for live migrations, which another server connects to. */
export const badMigration = (address: string): string | null =>
  address === 'local' ? 'it is reached from another server: `local` is an `address` only' : badAddress(address);

/** The owner's key on a server, which `xl migrate` gives to a shell. */
export const badMigrationKey = (path: string): string | null => {
  const why = badServerPath(path);
  if (why !== null) return why;
  if (path.endsWith('.pub')) return 'it is the public half: name the private key beside it';
  const bad = /[^A-Za-z0-9._+@=/-]/u.exec(path);
  return bad ? `${JSON.stringify(bad[0])} may not stand in the path of a key` : null;
};

const badShell = (command: string): string | null => {
  if (command.trim() === '') return 'it is blank';
  return /[\x00-\x08\x0b-\x1f\x7f]/.test(command) ? 'control characters may not stand in it' : null;
};

/** A command about a server. What is left of a pattern's braces would reach the shell, and fail when it is needed most. */
export const badFence = (command: string): string | null =>
  /\{n?\}/.test(command)
    ? '`{}` and `{n}` are filled in only in the body of a pattern, like dom[01-03]'
    : badShell(command);

const filledIn = new Set(['vm', 'server', 'op']);

/** A command before an operation. Braces of the shell's own, like `${HOME}`, `{ a; }` and `{a,b}`, are no placeholders. */
export const badBefore = (command: string): string | null => {
  for (const [whole, word = ''] of command.matchAll(/(?<!\$)\{([\w-]*)\}/g)) {
    if (!filledIn.has(word)) return `${whole} is not filled in: {vm}, {server} and {op} are`;
  }
  return badShell(command);
};

/** Linux allows 15 characters for an interface. */
export const badBridge = (bridge: string): string | null => {
  if (bridge.length > 15) return `it is ${bridge.length} characters long; Linux allows 15`;
  return /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(bridge) ? null : 'it is no name of a bridge';
};

/** A text that becomes a quoted string of the cfg, like a guest kernel's command line. */
export const badCmdline = (cmdline: string): string | null => {
  if (/[\r\n]/.test(cmdline)) return 'a newline cannot be written in an xl.cfg';
  return /[\x00-\x1f\x7f]/.test(cmdline) ? 'control characters may not stand in it' : null;
};

export const badMac = (mac: string): string | null => {
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) return 'it is a multicast address: the first pair must be even';
  return /^00(:00)*$/.test(mac) ? 'it is all zeros' : null;
};

export const badBootloader = (bootloader: string): string | null =>
  bootloader === 'pygrub' || (bootloader.startsWith('/') && badServerPath(bootloader) === null)
    ? null
    : 'it is `pygrub`, or an absolute path on the server';

/** A hotplug script. */
export const badScript = (script: string): string | null => {
  if (script.startsWith('/')) return badServerPath(script);
  return /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(script) ? null : 'it is a name in /etc/xen/scripts, or an absolute path';
};

/** What a NIC is to its guest. */
export const badModel = (model: string): string | null => {
  if (model === 'vif' || model === 'netfront') return 'the paravirtual NIC alone is `pv`';
  if (model === 'ioemu') return 'name the card that is emulated, like e1000';
  return /^[a-z0-9][A-Za-z0-9_-]*$/.test(model) ? null : 'it is `pv`, or a card that QEMU knows, like e1000';
};

export const badCpupool = (pool: string): string | null =>
  /^\d+$/.test(pool) ? "a name of digits only would be taken for a pool's number" : badName(pool, 'cpupool');

/** `${env:NAME}` or `${file:PATH}`, once a pattern's braces are filled in. */
export const badReference = (reference: string): string | null => {
  const [, kind, what = ''] = /^\$\{(env|file):(.*)\}$/s.exec(reference) ?? [];
  if (/[{}]/.test(what)) return '`{}` and `{n}` are filled in only in the body of a pattern, like web-[1-20]';
  if (/[\x00-\x1f\x7f]/.test(what)) return 'control characters may not stand in it';
  return kind === 'file' || /^[A-Za-z_][A-Za-z0-9_]*$/.test(what)
    ? null
    : 'an environment variable is letters, digits and _';
};

/** Where an image is fetched from: a URL, or a path here. */
export const badImageSource = (source: string): string | null => {
  if (/^(?:\.{0,2}|~)\//.test(source)) {
    return /[\x00-\x1f\x7f]/.test(source) ? 'control characters may not stand in it' : null;
  }
  const bad = /[^A-Za-z0-9._~:/?#@!$&()*+,;=%[\]-]/u.exec(source);
  if (bad) return `${JSON.stringify(bad[0])} may not stand in a URL: write it in percent signs`;
  if (!/^https?:\/\/[^/]/.test(source))
    return 'it begins with https:// or http://, or is a file here, like ./netinst.iso';
  if (/^https?:\/\/[^/]*@/.test(source))
    return 'it holds a password, and plans show it: give it an address without one';
  return URL.canParse(source) ? null : 'it is no URL';
};

/** `HOST:/EXPORT` as the mounts of a server show it. */
export const plainSource = (source: string): string => {
  const at = source.indexOf(':/') + 1;
  return `${source.slice(0, at)}${withoutSlash(source.slice(at))}`;
};

/** `HOST:/EXPORT`, an IPv6 address in brackets. */
export const badNfsSource = (source: string): string | null => {
  const like = 'write it like filer:/export/vmstore';
  const at = source.indexOf(':/');
  if (at === -1) return like;
  const name = source.slice(0, at);
  const exported = source.slice(at + 1);
  if (/^[^:]*:\d+$/.test(name)) return 'it holds a port: write it as options: port=…';
  const [, six] = /^\[([^\]]*)\]$/.exec(name) ?? [];
  if (six !== undefined && !six.includes(':')) return 'in brackets stands an IPv6 address';
  if (six === undefined && name.includes(':')) return 'an IPv6 address stands in brackets, like [2001:db8::1]:/export';
  const why = badHost(six ?? name) ?? badPath(exported);
  if (why !== null) return why;
  const bad = /[^A-Za-z0-9._+@=~/-]/u.exec(exported);
  return bad ? `${JSON.stringify(bad[0])} may not stand in the path of an export` : otherSpelling(exported, `${name}:`);
};

const setByReeve = 'Reeve sets it itself';
const lossy = 'a write that times out is lost then: take it out, or write `hard`';
/** The options of an NFS mount that are not the file's to give, and why. */
const refusedOptions: ReadonlyMap<string, string> = new Map([
  ...['nofail', '_netdev', 'auto', 'noauto', 'bg', 'fg'].map((option) => [option, setByReeve] as const),
  ...['soft', 'softerr'].map((option) => [option, lossy] as const),
]);

/** What stands after `mount -o`. */
export const badMountOptions = (options: string): string | null => {
  const seen = new Set<string>();
  for (const option of options.split(',')) {
    if (option === '') return 'there is a comma too many';
    if (option.startsWith('-')) return `${JSON.stringify(option)} begins with "-": options are like vers=4.2,hard`;
    const bad = /[^A-Za-z0-9_=.:/-]/u.exec(option);
    if (bad) return `${JSON.stringify(bad[0])} may not stand in an option`;
    const [key = ''] = option.split('=');
    const why = refusedOptions.get(key);
    if (why !== undefined) return `\`${key}\`: ${why}`;
    if (seen.has(key)) return `\`${key}\` stands there twice`;
    seen.add(key);
  }
  return null;
};
