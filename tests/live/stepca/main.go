// SPDX-License-Identifier: MIT
// The program that step-ca's package of sources lacks: its own command line around its own server,
// with the signer that keeps keys in files and nothing else.
package main

import (
	"log"
	"os"

	"github.com/smallstep/certificates/commands"
	"github.com/urfave/cli"

	_ "github.com/smallstep/certificates/cas/softcas"
	_ "go.step.sm/crypto/kms/softkms"
)

func main() {
	serve := commands.AppCommand
	program := cli.NewApp()
	program.Name = "step-ca"
	program.Usage = serve.Usage
	program.Flags = serve.Flags
	program.Action = serve.Action
	if err := program.Run(os.Args); err != nil {
		log.Fatal(err)
	}
}
