/** Which names may reach a file name, a cfg or a command line: refused here, so that no later quoting has to be perfect. */

/** Why `name` may not name a `what`, or null where it may. Xen takes an all-digit argument for a domid, so those are out. */
export const badName = (name: string, what: string): string | null => {
  if (name === '') return `a ${what} needs a name`;
  if (name.length > 63) return `the name is ${name.length} characters long; 63 are allowed`;
  if (/^\d+$/.test(name)) return 'a name of digits only would be taken for a domain id';
  if (!/^[A-Za-z0-9]/.test(name)) return 'a name begins with a letter or a digit';
  const bad = /[^A-Za-z0-9._+-]/u.exec(name);
  if (bad) return `${JSON.stringify(bad[0])} may not stand in a name (letters, digits, and . _ + - may)`;
  if (name.includes('..')) return '".." may not stand in a name';
  return null;
};

/** Why `path` may not be used on a server, or null where it may: absolute, plain characters, no way up. */
export const badPath = (path: string): string | null => {
  if (!path.startsWith('/')) return 'a path on a server begins with /';
  if (path.length > 1024) return `the path is ${path.length} characters long; 1024 are allowed`;
  const bad = /[\x00-\x1f\x7f"'\\,;$`]/u.exec(path);
  if (bad) return `${JSON.stringify(bad[0])} may not stand in a path`;
  if (path.split('/').includes('..')) return '".." may not stand in a path';
  return null;
};
