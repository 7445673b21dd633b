/**
 * In the place of pkcs11js: a token that does what SoftHSM cannot be made to do. The path of the module names a JSON
 * file that says what; each C_Login adds a line to `PATH.logins`.
 */
const { appendFileSync, readFileSync, writeSync } = require('node:fs');

class PKCS11 {
  load(path) {
    this.path = path;
    this.wanted = JSON.parse(readFileSync(path, 'utf8'));
    if (this.wanted.prints) process.stdout.write('a word of the vendor\n');
    if (this.wanted.garbage) writeSync(3, Buffer.from('ffffffffff', 'hex'));
    if (this.wanted.dies) process.kill(process.pid, 'SIGSEGV');
  }
  C_Initialize() {}
  C_GetSlotList() {
    return [Buffer.from([0])];
  }
  C_GetTokenInfo() {
    return {
      label: 'fake'.padEnd(32),
      manufacturerID: '',
      model: '',
      serialNumber: '1',
      flags: this.wanted.flags ?? 0,
    };
  }
  C_GetMechanismList() {
    return this.wanted.mechanisms ?? [0x1080, 0x1087];
  }
  C_OpenSession() {
    return Buffer.from([1]);
  }
  C_CloseSession() {}
  C_Login(_session, _user, pin) {
    appendFileSync(`${this.path}.logins`, 'login\n');
    if (pin !== 'right') throw new Error('CKR_PIN_INCORRECT');
  }
  C_FindObjectsInit() {}
  C_FindObjects() {
    return [Buffer.from([2])];
  }
  C_FindObjectsFinal() {}
  C_GetAttributeValue() {
    return [{ value: Buffer.from([1]) }, { value: Buffer.from([0]) }];
  }
  C_EncryptInit(_session, { parameter }) {
    if (this.wanted.hangs) for (;;);
    if (this.wanted.older && parameter.type !== 3) throw new Error('CKR_MECHANISM_PARAM_INVALID');
    const logins = readFileSync(`${this.path}.logins`, 'utf8').trim().split('\n').length;
    if (logins <= (this.wanted.lost ?? 0)) throw new Error('CKR_SESSION_HANDLE_INVALID');
  }
  C_Encrypt(_session, data) {
    return Buffer.from(data);
  }
}

module.exports = { PKCS11 };
