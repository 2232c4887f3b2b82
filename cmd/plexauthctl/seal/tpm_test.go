// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// likeTPM stands in for systemd-creds on a box with a TPM: it writes down how it is
// called, and its credentials hold the key as it is. OLD makes it like version 252,
// which does not open what is bound to no PCRs.
const likeTPM = `#!/bin/sh
echo "$*" >> LOG
case "$1 $2" in
*FAILS*) echo "the TPM does not answer" >&2; exit 1;;
"encrypt --with-key=tpm2") id='\014\174\300\173\021\166\105\221\234\113\013\352\010\274\040\376';;
"encrypt --with-key=host+tpm2") id='\223\250\224\011\110\164\104\220\220\312\362\374\223\312\265\123';;
encrypt*) id='\132\034\152\206\337\235\100\226\261\325\246\136\010\142\361\232';;
esac
case "$1 $4" in
"encrypt --tpm2-pcrs=") { printf "${id}N"; cat; } | base64;;
encrypt*) { printf "${id}P"; cat; } | base64;;
decrypt*)
	if base64 -d "$3" | head -c 17 | tail -c 1 | grep -q "^OLD$"; then echo "PCR bank not supported" >&2; exit 1; fi
	base64 -d "$3" | tail -c +18 DAMAGE;;
esac
`

// newTPMBox is a box with a TPM, of which replacements change the stand-in.
func newTPMBox(t *testing.T, replacements ...string) *box {
	b := newBox(t)
	script := strings.NewReplacer(replacements...).Replace(likeTPM)
	script = strings.NewReplacer("LOG", "'"+b.path("log")+"'", "OLD", "-", "FAILS", "nothing", "DAMAGE", "").Replace(script)
	b.write(b.path("bin/systemd-creds"), script)
	b.write(b.path("tpms/tpmrm0"), "")
	b.write(b.path("log"), "")
	b.write(b.hostKey, string(appSpecific(b.id())))
	return b
}

// called is how systemd-creds was called; the file that it opens has a passing name.
func (b *box) called() (calls []string) {
	for line := range strings.Lines(b.read(b.path("log"))) {
		if !strings.HasPrefix(line, "decrypt") {
			calls = append(calls, strings.TrimSpace(line))
		}
	}
	return calls
}

func TestTPM(t *testing.T) {
	const both, tpm, host = "encrypt --with-key=host+tpm2 --name=plexauthd.key ", "encrypt --with-key=tpm2 --name=plexauthd.key ", "encrypt --with-key=host --name=plexauthd.key "
	for name, c := range map[string]struct {
		stand   []string // in
		binding Binding
		pcrs    string
		calls   string
		result  Result
	}{
		"by itself":        {nil, "", "", both + "--tpm2-pcrs= - -", Result{WithKey: HostAndTPM}},
		"TPM alone":        {nil, TPM, "", tpm + "--tpm2-pcrs= - -", Result{WithKey: TPM}},
		"host alone":       {nil, Host, "", host + "- -", Result{WithKey: Host}},
		"PCRs":             {nil, "", "7+14", both + "--tpm2-pcrs=7+14 - -", Result{WithKey: HostAndTPM, PCRs: "7+14"}},
		"version 252":      {[]string{"OLD", "N"}, "", "", both + "--tpm2-pcrs= - -\n" + both + "--tpm2-pcrs=16 - -", Result{WithKey: HostAndTPM, PCRs: "16"}},
		"252 with PCRs":    {[]string{"OLD", "N"}, "", "7", both + "--tpm2-pcrs=7 - -", Result{WithKey: HostAndTPM, PCRs: "7"}},
		"252 with the TPM": {[]string{"OLD", "N"}, TPM, "", tpm + "--tpm2-pcrs= - -\n" + tpm + "--tpm2-pcrs=16 - -", Result{WithKey: TPM, PCRs: "16"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTPMBox(t, c.stand...)
			b.WithKey, b.PCRs = c.binding, c.pcrs
			c.result.Credential, c.result.Made, c.result.DropIn = b.Credential, true, b.DropIn
			if r := b.make(); r != c.result {
				t.Errorf("%+v, want %+v", r, c.result)
			}
			if calls := strings.Join(b.called(), "\n"); calls != c.calls {
				t.Errorf("called:\n%s\nwant\n%s", calls, c.calls)
			}
			b.write(b.path("log"), "")
			c.result.Made, c.result.DropIn, c.result.PCRs = false, "", ""
			if r := b.make(); r != c.result || len(b.called()) > 0 {
				t.Errorf("the second time: %+v, %q", r, b.called())
			}
		})
	}
}

// A TPM that fails may work the next time: a key that does without it is for a
// person to choose.
func TestNoWeakerKeyUnasked(t *testing.T) {
	b := newTPMBox(t, "FAILS", "tpm2")
	_, err := b.Make(b.bounded())
	for _, says := range []string{"the TPM of this box", "the TPM does not answer", "--with-key=host does without"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
	b.wantNoKey()
	b.WithKey = Host
	if r := b.make(); r.WithKey != Host {
		t.Errorf("%+v", r)
	}
}

// A key that opens to something else, or not at all, gets no name.
func TestAKeyIsOpenedBeforeItIsUsed(t *testing.T) {
	const anotherKey = `| LC_ALL=C tr '\000-\376' '\001-\377'` // whatever bytes the key has
	for stand, says := range map[string]string{anotherKey: "decrypts to another key", "| false": "is not used", ">/dev/null": "decrypts to another key"} {
		b := newTPMBox(t, "DAMAGE", stand)
		if _, err := b.Make(b.bounded()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", stand, err)
		}
		b.wantNoKey()
	}
}

func (b *box) wantNoKey() {
	b.Helper()
	if left := b.files(); strings.Contains(left, "plexauthd.key") || strings.Contains(left, b.DropIn) {
		b.Errorf("there is something left:\n%s", left)
	}
}

func TestPCRsNeedTheTPM(t *testing.T) {
	b := newTPMBox(t)
	b.WithKey, b.PCRs = Host, "7"
	b.refuses("PCRs are registers of the TPM")

	b = newBox(t) // has no TPM
	b.PCRs = "7"
	b.refuses("PCRs are registers of the TPM")
	b.wantNoKey()
}

// A key that is there is never bound to something else, and nobody is left to
// believe that it is.
func TestOptionsOfAKeyThatIsThere(t *testing.T) {
	b := newTPMBox(t)
	b.WithKey = TPM
	b.make()
	b.make()
	b.WithKey = HostAndTPM
	b.refuses("is bound to tpm2", "--with-key=host+tpm2", "remove "+b.Credential)
	b.WithKey, b.PCRs = "", "7"
	noted := ""
	b.Note = func(text string) { noted += text }
	b.make()
	if !strings.Contains(noted, "--pcrs") {
		t.Errorf("noted %q", noted)
	}

	b = newTPMBox(t)
	b.WithKey = Host
	b.make()
	b.WithKey, b.PCRs = "", "7"
	b.refuses("is bound to host", "PCRs")
}

// A newer systemd may make a kind of credential that needs no host key.
func TestAKeyOfAnUnknownKind(t *testing.T) {
	b := newTPMBox(t)
	b.write(b.Credential, base64.StdEncoding.EncodeToString([]byte("an unknown kind:P"+strings.Repeat("k", keySize))))
	if err := os.Remove(b.hostKey); err != nil {
		t.Fatal(err)
	}
	if r := b.make(); r.WithKey != "" || r.Made {
		t.Errorf("%+v", r)
	}
}

// id is this machine's.
func (b *box) id() []byte {
	b.Helper()
	id, err := hex.DecodeString(strings.TrimSpace(b.read(b.machineID)))
	if err != nil {
		b.Fatal(err)
	}
	return id
}
