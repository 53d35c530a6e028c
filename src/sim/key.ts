/** A fresh ed25519 key pair that can be read back. */
import ssh2 from 'ssh2';

/** ssh2 now and then makes a key that it cannot parse itself (one in some hundred): such a one is thrown away. */
export const makeKey = (comment = ''): { readonly private: string; readonly public: string } => {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    if (!(ssh2.utils.parseKey(key.private) instanceof Error)) return key;
  }
};
