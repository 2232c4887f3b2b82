// SPDX-License-Identifier: Apache-2.0

// Signs this box in to Plex: shows a code, waits, says who it is.
import QtQuick
import QtQuick.Window

Window {
    id: window

    required property QtObject plex // see plexauth.h
    property int again: 5           // seconds until what failed is tried again
    property bool watch: false      // keep watching after the sign-in
    property bool withToken: false  // print the token, which gives access to the account

    // What to tell a person; other failures speak for themselves.
    readonly property var say: ({
        Unreachable: "Plex cannot be reached. Is the network up?",
        InvalidResponse: "Plex cannot be reached. Does the network want you to log in first?",
        ServerError: "Plex has a problem. Trying again.",
        RateLimited: "Plex is busy. Trying again.",
        UserLocked: "Who is watching? plexauthctl switch asks for the PIN.",
        Forbidden: "Plex does not allow this user to do that.",
        AccessDenied: "You may not sign this box in. Join the group plexauth.",
        NotRunning: "Waiting for plexauthd.",
        NoReply: "Waiting for plexauthd."
    })

    width: 1280; height: 720; visible: true; color: "#1f2326"

    // All that there is to say, also for the log; the pairing below looks better.
    Text {
        id: words
        anchors { fill: parent; margins: parent.height / 12 }
        visible: !pairing.visible
        horizontalAlignment: Text.AlignHCenter; verticalAlignment: Text.AlignVCenter
        wrapMode: Text.Wrap; color: "white"; font.pixelSize: parent.height / 18
        onTextChanged: console.log(words.text)
    }

    Row {
        id: pairing
        anchors.centerIn: parent
        spacing: window.height / 12
        visible: plex.present && !plex.authenticated && !plex.problem && plex.code

        Image { source: plex.qrPicture; visible: source != ""; height: window.height / 2; width: height }

        Column {
            anchors.verticalCenter: parent.verticalCenter
            Text { text: plex.link.replace("https://", ""); color: "#e5a00d"; font.pixelSize: window.height / 12 }
            Text {
                // A strong code is for the QR code alone.
                visible: plex.code.length <= 8
                text: plex.code; color: "white"
                font { pixelSize: window.height / 5; family: "monospace"; letterSpacing: window.height / 40 }
            }
        }
    }

    Connections {
        target: window.plex
        function onChanged() { window.follow() }
        function onToken(token) { window.greet(", token " + token) }
        function onBusGone() { console.log("no connection to the bus"); Qt.exit(1) }
    }

    Timer {
        interval: window.again * 1000; running: true; repeat: true
        onTriggered: window.plex.read()
    }

    function follow() {
        if (!plex.present)
            words.text = say.NotRunning
        else if (plex.problem)
            words.text = say[plex.problem] || plex.problem
        else if (plex.authenticated)
            withToken ? plex.requestToken() : greet("")
        else if (plex.state === "locked") // in a player, the list of users
            words.text = say.UserLocked
        else if (plex.code)
            words.text = "Go to " + plex.link + " and enter " + plex.code
        else // somebody started this program to sign in; in a player it is a button
            plex.requestPin()
    }

    function greet(more) {
        words.text = "Signed in as " + (plex.user || "somebody") + more
        if (!watch)
            Qt.quit()
    }
}
