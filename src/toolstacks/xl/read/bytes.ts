/** Bytes as text, without losing any. */

/** One character a byte, so that positions in the text are positions in the bytes. */
export const latin1 = (bytes: Uint8Array): string => {
  const parts: string[] = [];
  // Spreading a typed array walks its iterator, twenty times as slow as handing it over whole.
  const text = (chunk: Uint8Array): string => Reflect.apply(String.fromCharCode, null, chunk);
  for (let i = 0; i < bytes.length; i += 8192) parts.push(text(bytes.subarray(i, i + 8192)));
  return parts.join('');
};

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder('utf-8', { ignoreBOM: true });

/** Null where the bytes are not UTF-8. */
export const utf8 = (bytes: Uint8Array): string | null => {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
};

/** What a tool printed: never fails. */
export const printed = (bytes: Uint8Array): string => lossy.decode(bytes);
