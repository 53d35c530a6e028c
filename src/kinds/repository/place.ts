/** Where a repository may lie on a server. */
import { badPath } from '../../core/name.ts';

/** Without the slashes at its end; `/` stays. */
export const withoutSlash = (path: string): string => path.replace(/(?<=[^/])\/+$/, '');

const stepsOf = (path: string): readonly string[] => path.split('/').filter((step) => step !== '' && step !== '.');

/** Paths are compared with those of a server's mounts letter by letter, so that each has one spelling. */
export const otherSpelling = (path: string, before = ''): string | null => {
  const plain = `/${stepsOf(path).join('/')}`;
  return withoutSlash(path) === plain ? null : `write it as ${before}${plain}`;
};

/** What lies in these is the system's; in some of them, what is made is gone after a reboot. */
const systemFolders = new Set([
  'bin',
  'boot',
  'dev',
  'etc',
  'lib',
  'lib32',
  'lib64',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
]);
const emptied = new Set(['dev', 'proc', 'run', 'sys', 'tmp']);

/** The folder of a repository on each server: a mount there hides what lies beneath. */
export const badStorePath = (path: string): string | null => {
  const why = badPath(path);
  if (why !== null) return why;
  const steps = stepsOf(path);
  const [top] = steps;
  const instead = 'take a folder of its own, like /srv/vmstore';
  if (top === undefined) return `it is the root of the whole server: ${instead}`;
  if (emptied.has(top)) return `what lies in /${top} is gone after a reboot: ${instead}`;
  if (systemFolders.has(top)) return `/${top} is the system's: ${instead}`;
  if (steps.length === 1 && (top === 'var' || top === 'home'))
    return `/${top} holds more than a repository: take a folder of its own in it, like /${top}/vmstore`;
  return otherSpelling(path);
};

/** The name of a volume group. */
export const badVolumeGroup = (name: string): string | null => {
  if (name === '.' || name === '..' || name.startsWith('-')) return 'LVM takes no such name';
  if (name.length > 127) return `it is ${name.length} characters long; LVM allows 127`;
  const bad = /[^A-Za-z0-9._+-]/u.exec(name);
  return bad ? `${JSON.stringify(bad[0])} may not stand in the name of a volume group` : null;
};
